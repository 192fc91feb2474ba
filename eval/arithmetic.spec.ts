import { describe, expect, inject, it } from 'vitest';
import { MAX_EVIDENCE } from '../src/domain/enrichment.js';
import { SHIPPED_RULES } from '../src/enrichment/heuristic/ruleset.js';
import { readProfile, scoreByRules, type Ruleset } from '../src/enrichment/score-by-rules.js';
import { parseWebhookBody } from '../src/platform/http/parse-body.js';
import { readWebhooks } from '../samples/webhooks.js';
import { parseLead } from '../src/ingress/parse-lead.js';
import { loadLeads, loadOrders } from './dataset.js';

const GENERATED = inject('full') ? 10_000 : 1000;

/** A generator of whole numbers with a fixed seed (mulberry32). */
function seeded(seed: number) {
  return (below: number) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const LONG = 'w'.repeat(80);
const WORDS = 'we demo price quote team not crm data call need you thesis job # @product'.split(' ');
/** Each list full, each label as long as it may be, and points at both limits that fit most leads at once. */
const HOSTILE = readProfile({
  base: 0,
  emailDomains: { corporate: -100, free: 100, disposable: -100, education: 100, government: -100, sharedMailbox: 100 },
  company: { named: -100, matchesDomain: 100 },
  industries: [{ label: LONG, points: -100, phrases: ['acme|hubspot|halden'] }],
  sizes: [{ atLeast: 0, label: LONG, points: -100 }],
  countries: [{ label: LONG, points: 100, countries: ['DE', 'FR', 'US'] }],
  titles: {
    seniority: [{ label: LONG, meaning: LONG, points: -100, disqualifies: true, phrases: ['*r'] }],
    departments: [{ label: LONG, points: 100, phrases: ['*s|*g'] }],
  },
  competitors: { points: -100, companies: [{ name: 'Acme' }, { name: LONG, domains: ['acme.com'] }] },
  sources: { webinar: 100 },
  intents: { high: -100, medium: 100, low: -100, none: 100, unknown: -100 },
  messages: { high: -100, medium: 100, low: -100, none: 100 },
  phrases: Array.from({ length: 100 }, (_, at) => ({
    says: LONG,
    points: at % 2 === 0 ? 100 : -100,
    phrases: [WORDS[at % WORDS.length]!],
    negated: { says: LONG, points: at % 3 === 0 ? 100 : -100 },
  })),
}) as { rules: Ruleset };
/** Points so large that the limits of the scale apply at both ends. */
const EXTREME = readProfile({
  base: 70,
  emailDomains: { corporate: 40, free: -90 },
  countries: [{ label: 'home', points: 33, countries: ['DE', 'US'] }],
  phrases: [{ says: 'asks for a demo', points: 50, phrases: ['demo'], negated: { says: 'wants no demo', points: -99 } }],
}) as { rules: Ruleset };

function check(lead: Parameters<typeof scoreByRules>[0], rules: Ruleset) {
  const { fitScore, evidence } = scoreByRules(lead, rules);
  const sum = evidence.reduce((total, { points }) => total + points!, 0);
  const isRight =
    sum === fitScore &&
    Number.isInteger(fitScore) &&
    fitScore >= 0 &&
    fitScore <= 100 &&
    evidence.length <= MAX_EVIDENCE &&
    evidence[0]!.signal === 'base score' &&
    evidence.every(({ signal, points }) => signal.length <= 200 && Number.isInteger(points));
  if (!isRight) expect({ lead, fitScore, evidence }).toBe('a score whose evidence adds up');
}

describe('the points of the evidence sum to the score', () => {
  it(`of ${GENERATED} generated leads, by three profiles in turn`, { timeout: 60_000 }, () => {
    const pick = seeded(7);
    const leads = loadLeads();
    const orders = loadOrders();
    const one = <T>(list: readonly T[]): T => list[pick(list.length)]!;
    const messageOf = () => one(leads).lead.attributes['message'] ?? '';
    for (let count = 0; count < GENERATED; count++) {
      const { email } = one(leads).lead;
      const attributes: Record<string, string> = {
        title: one(leads).lead.attributes['title'] ?? '',
        company: one(['', 'Acme', 'HubSpot', 'Halden Insurance GmbH']),
        country: one(['', 'DE', 'France', 'usa', 'nowhere']),
        employees: one(['', '1', '51-200', '9,000']),
        source: one(['', 'webinar', 'demo request', 'careers']),
        message: Array.from({ length: pick(3) }, messageOf).join(one(['\n', ' ', ' but '])),
      };
      if (pick(10) === 0) attributes[one(['title', 'company', 'country', 'message'])] += ` ${one(orders).text}`;
      check({ email, attributes }, [SHIPPED_RULES, EXTREME.rules, HOSTILE.rules][count % 3]!);
    }
  });

  it('of all samples', () => {
    const accepted = readWebhooks().filter((sample) => sample.expect !== 'rejected');
    expect(accepted.length).toBeGreaterThan(20);
    for (const { body, contentType } of accepted) {
      const { value, notes } = parseWebhookBody(Buffer.from(body), contentType);
      check(parseLead(value, notes), SHIPPED_RULES);
    }
  });
});

it('names each reason of a message as a whole once', () => {
  const seen = new Set(loadLeads().flatMap(({ lead }) => scoreByRules(lead, SHIPPED_RULES).evidence.map(({ signal }) => signal)));
  const whole = [...seen].flatMap((signal) => {
    const parts = /^message as a whole: (?<reads>.*) \((?<reasons>.*)\)$/.exec(signal)?.groups;
    return parts ? [{ reads: parts['reads']!, reasons: parts['reasons']!.split(', ') }] : [];
  });
  expect(whole.length).toBeGreaterThan(5);
  for (const { reads, reasons } of whole) {
    expect(reasons).toEqual([...new Set(reasons)]);
    expect(reasons.filter((reason) => reads.includes(reason))).toEqual([]);
  }
});
