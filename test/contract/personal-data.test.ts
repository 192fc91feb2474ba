import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EnrichmentProvider } from '../../src/enrichment/port.js';
import { AI_PROVIDERS } from '../../src/enrichment/registry.js';
import type { LeadContent } from '../../src/domain/lead.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { startFakeBedrock } from '../support/fakes/bedrock.js';
import type { FakeModel } from '../support/fakes/fake-model.js';
import { startFakeGemini } from '../support/fakes/gemini.js';
import { startFakeOpenAiCompatible } from '../support/fakes/openai-compatible.js';
import { FULL } from '../support/full.js';

const LEADS = FULL ? 1000 : 100;

interface Person {
  first: string;
  last: string;
  local: string;
  domain: string;
  phone: string;
}

/** A seeded generator, so that each run has the same numbers. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const FIRST = [
  'Zaphod',
  'Øystein',
  'Łucja',
  'Xiomara',
  'Jürgen',
  'Søren',
  'Agnieszka',
  'Ngozi',
  'Thibault',
  'Siobhán',
  'Иван',
  '志明',
  'فاطمة',
  'Mark',
  'Grace',
];
const LAST = [
  'Beeblebrox',
  "O'Shaughnessy",
  'Müller-Lüdenscheidt',
  'Okonkwo',
  'van der Zwaan',
  'Quiñones',
  'Kowalczyk',
  'Петров',
  '王',
  'الزهراني',
  'Wolf',
  'Fox',
];
const DOMAINS = ['northgate-freight.com', 'gmail.com', 'kestrel.io', 'halden.co.uk', 'qq.com', 'uni-jena.de'];
const NEAR = ['', '+crm', '.work', '_77'];

function person(random: () => number): Person {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const digits = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 10)).join('');
  const [first, last] = [pick(FIRST), pick(LAST)];
  const plain = (text: string) =>
    text
      .normalize('NFKD')
      .replaceAll(/[^a-zA-Z]/g, '')
      .toLowerCase();
  const base = `${plain(first)}.${plain(last)}`.length > 4 ? `${plain(first)}.${plain(last)}` : `kunde${digits(5)}`;
  const own = random() < 0.1 && plain(last).length > 3 ? `${plain(last)}.com` : pick(DOMAINS);
  const a = digits(3);
  const b = digits(3);
  const c = digits(4);
  const phone = pick([
    `+49 ${a} ${b}${c}`,
    `(${a}) ${b}-${c}`,
    `+1-${a}-${b}-${c}`,
    `00${a}${b}${c}`,
    `${a}.${b}.${c}`,
    `0${a}/${b} ${c}`,
  ]);
  return { first, last, local: `${base}${pick(NEAR)}`, domain: own, phone };
}

/** A message with all kinds of personal data that people type into a form. */
function messageOf({ first, last, local, domain, phone }: Person, at: number): string {
  const email = `${local}@${domain}`;
  const lines = [
    `We want a demo. Call me on ${phone} or write to ${email}.`,
    `Hi, ${first} ${last} here. How much is it for 40 users? ${phone}`,
    `My name is ${first} ${last} and I need a quote.\nBest regards\n${first}`,
    `Please send pricing to ${email.toUpperCase()}\n\nKind regards,\n${first} ${last}\n${phone}`,
    `${first.toUpperCase()} ${last.toUpperCase()} WANTS A TRIAL, mobile ${phone}`,
    `Reach me: ${local} (at) ${domain}. Thanks, ${first}`,
    `See linkedin.com/in/${local} and https://${domain}/team/${local}?tel=${encodeURIComponent(phone)}. I am ${first}'s assistant.`,
    `${last}, ${first}: interested. <${email}> tel:${phone.replaceAll(/\D/g, '')}`,
    `Bitte um Rückruf bei Frau ${last}, Tel. ${phone}. Mit freundlichen Grüßen ${first} ${last}`,
    `@${local} on Slack; ${phone}; mailto:${email}`,
  ];
  return lines[at % lines.length]!;
}

function leadOf(who: Person, at: number): LeadContent {
  const email = `${who.local}@${who.domain}`;
  const placed: { name: string | null; attributes: Record<string, string> } = [
    { name: `${who.first} ${who.last}`, attributes: {} },
    { name: null, attributes: { first_name: who.first, 'Last Name': who.last } },
    { name: `${who.last}, ${who.first}`, attributes: { 'lead.firstName': who.first } },
  ][at % 3]!;
  return {
    id: `lead-${at}`,
    personKey: `person-${at}`,
    email,
    emailRaw: at % 2 === 0 ? email : email.toUpperCase(),
    campaignId: 'c',
    name: placed.name,
    attributes: {
      ...placed.attributes,
      title: at % 7 === 0 ? `${who.first} ${who.last}, VP Sales` : 'VP Sales',
      company: at % 5 === 0 ? `${who.last} Consulting` : 'Northgate',
      phone: who.phone,
      country: at % 11 === 0 ? `DE, ${who.phone}` : 'DE',
      message: messageOf(who, at),
      ip: '203.0.113.7',
      marketo_id: 'mkto-1042-zz',
    },
    revision: 1,
  };
}

/** What the bytes must not contain: the values, and their parts of three letters or more (two in CJK scripts). */
function secretsOf({ first, last, local, phone }: Person): string[] {
  const parts = `${first} ${last}`.split(/[\s-]+/).filter((part) => !['van', 'der'].includes(part));
  const names = parts.filter((part) => !/^\p{ASCII}*$/u.test(part) || part.length >= 3);
  return [...names, local, local.split(/[+_]/)[0]!, phone, phone.replaceAll(/\D/g, '')].filter((text) => text.length > 0);
}

function appears(bytes: string, secret: string): boolean {
  // Names that are also words (Mark, Grace, Wolf) count only where they are written as names.
  if (/^(Mark|Grace|Wolf|Fox)$/.test(secret)) return new RegExp(`\\b${secret}\\b`).test(bytes);
  return bytes.toLowerCase().includes(secret.toLowerCase());
}

const MODELS: [string, () => Promise<FakeModel>, (url: string) => NodeJS.ProcessEnv][] = [
  ['gemini', startFakeGemini, (url) => ({ GEMINI_API_KEY: 'k', GEMINI_BASE_URL: `${url}/v1beta` })],
  [
    'bedrock',
    startFakeBedrock,
    (url) => ({ AWS_REGION: 'us-east-1', AWS_BEARER_TOKEN_BEDROCK: 'k', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url }),
  ],
  [
    'openai-compatible',
    startFakeOpenAiCompatible,
    (url) => ({ OPENAI_COMPATIBLE_BASE_URL: `${url}/v1`, OPENAI_COMPATIBLE_MODEL: 'm' }),
  ],
];

describe.each(MODELS)('what leaves for %s', (name, start, envOf) => {
  let fake: FakeModel;
  let provider: EnrichmentProvider;
  beforeAll(async () => {
    fake = await start();
    const env = { AI_PROVIDER: name, AI_CACHE_TTL_SECONDS: '0', ...envOf(fake.url) };
    provider = await AI_PROVIDERS[name]!(loadConfig(env, { aiProviders: Object.keys(AI_PROVIDERS), crmProviders: ['postgres'] }));
  });
  afterAll(() => fake.stop());

  it(`has no e-mail, name or phone of ${LEADS} people in it`, async () => {
    const random = sequence(20_261_124);
    const never = new AbortController().signal;
    const leaks: string[] = [];
    for (let at = 0; at < LEADS; at++) {
      const who = person(random);
      await provider.score(leadOf(who, at), never);
      const { path, headers, body } = fake.received.at(-1)!;
      const decoded = body.replaceAll(/\\\\?u([0-9a-f]{4})/g, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      );
      const bytes = `${path}\n${JSON.stringify(headers)}\n${body}\n${decoded}`;
      for (const secret of secretsOf(who)) if (appears(bytes, secret)) leaks.push(`${at}: ${secret}`);
      if (/203\.0\.113\.7|mkto-1042/.test(body)) leaks.push(`${at}: an attribute that the score does not need`);
    }
    expect(fake.received).toHaveLength(LEADS);
    expect(leaks).toEqual([]);
    // The data that the score needs was sent, so the test does not pass on empty requests.
    expect(fake.received.filter(({ body }) => body.includes('VP Sales')).length).toBe(LEADS);
    expect(fake.received.filter(({ body }) => /demo|quote|pricing|trial|40 users|interested/i.test(body)).length).toBeGreaterThan(
      LEADS / 2,
    );
  });
});
