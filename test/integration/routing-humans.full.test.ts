import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CrmProvider, CrmSync } from '../../src/crm/port.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import type { RoutedLead } from '../../src/routing/decisions.repository.js';
import { Random } from '../chaos/random.js';
import { firstTouchWorld, type FirstTouchWorld } from '../support/first-touch-world.js';
import { Humans } from '../support/humans.js';

const LEADS = 10_000;
/** Of these the first touch reassigns some, and an operator others; of the rest some are synced again. */
const HOT = 1000;
const ASKED = 1000;
const AT_ONCE = 500;
const WORKERS = 10;

const usersFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => `005000000000${String(first + index).padStart(3, '0')}AAA`);
const REPS = usersFrom(100, 20);
const HUMANS_CHOOSE = usersFrom(300, 10);

let world: FirstTouchWorld;
let crm: CrmProvider;
beforeAll(async () => {
  world = await firstTouchWorld({
    reps: REPS.map((id) => ({ id })),
    pools: [{ name: 'all', members: REPS.map((rep) => ({ rep })) }],
    fallback: { pool: 'all' },
    firstTouch: { minutes: { hot: 60 }, steps: [{ do: 'reassign', atPercent: 100 }], maxReassignments: 5, groupSeconds: 0 },
  });
  await world.process().routing.active.onApplicationBootstrap();
  crm = await world.org.open({ CRM_RATE_LIMIT_PER_SECOND: '10000' });
});
afterAll(async () => {
  await world.close();
});

const ENRICHMENT = { fitScore: 91, intent: 'high' as const, evidence: [] };

async function accept(): Promise<RoutedLead[]> {
  const leads = Array.from({ length: LEADS }, (_, index): RoutedLead => {
    const email = `p${index}@company${index}.example`;
    const band = index < HOT ? 'hot' : 'cold';
    const keys = { leadId: leadIdOf(email, 'c'), personKey: personKeyOf(email), email, campaignId: 'c' };
    return { ...keys, revision: 1, attributes: {}, enrichment: ENRICHMENT, band };
  });
  await world.pool.query(
    `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, enrichment, received_at, content_at)
     SELECT i.id, decode(i.key, 'hex'), i.email, i.email, 'c', 'synced', $4, now(), now()
     FROM unnest($1::uuid[], $2::text[], $3::text[]) AS i (id, key, email)`,
    [leads.map((lead) => lead.leadId), leads.map((lead) => lead.personKey), leads.map((lead) => lead.email), ENRICHMENT],
  );
  return leads;
}

/** What a worker does with leads that are due, and what it records. */
async function sync(leads: RoutedLead[], version: number): Promise<void> {
  const { service } = world.process().routing;
  for (let from = 0; from < leads.length; from += AT_ONCE) {
    const ids = await Promise.all(
      leads.slice(from, from + AT_ONCE).map(async (lead) => {
        const { leadId: id, personKey, email, campaignId, attributes, revision } = lead;
        const content = { id, personKey, email, emailRaw: email, campaignId, name: 'Jo Doe', attributes, revision };
        const scored = { ...ENRICHMENT, confidence: 1, reasoning: 'r', scoreSource: 'heuristic', needsRescore: false, flags: [] };
        const projection = { lead: content, enrichment: { ...scored, provider: 'p', scorerVersion: 'v' }, version };
        const owner = service.choiceFor(lead);
        const request = { personKey, projection, campaignId, respondedAt: new Date().toISOString(), owner } as CrmSync;
        const { leadId: crmId, owner: seen } = await crm.sync(request, AbortSignal.timeout(60_000));
        if (seen) await service.recordSeen({ ...lead, ownerId: seen.id, created: seen.created });
        return { id, crmId };
      }),
    );
    await world.pool.query(
      `UPDATE ledger.leads l SET crm = jsonb_build_object('provider', 'salesforce', 'leadId', i.crm, 'memberId', NULL)
       FROM unnest($1::uuid[], $2::text[]) AS i (id, crm) WHERE l.id = i.id`,
      [ids.map(({ id }) => id), ids.map(({ crmId }) => crmId)],
    );
  }
}

it(`takes no owner of a human away, of ${LEADS} leads that are created, synced again and reassigned meanwhile`, async () => {
  const random = new Random(1);
  const { fake } = world.org;
  const humans = new Humans(fake, () => [...HUMANS_CHOOSE, ...REPS]);
  humans.start(random);
  // The Leads are old when they are reassigned, as where no person acts.
  fake.setClock(() => Date.now() - 3_600_000);
  const leads = await accept();
  await sync(leads, 1);
  fake.setClock(Date.now);
  await world.process().runClocks();

  // Some humans act between the moment at which a worker reads the owner and that at which it writes.
  const inFlight = new Set<string>();
  fake.afterEachPost(() => {
    for (const id of inFlight) if (random.chance(0.05)) humans.takeOver(id, random);
  });
  const changeOwner: NonNullable<CrmProvider['changeOwner']> = async (id, from, to, signal) => {
    inFlight.add(id);
    return crm.changeOwner!(id, from, to, signal).finally(() => inFlight.delete(id));
  };
  const workers = Array.from({ length: WORKERS }, () => world.process({ outcomes: crm.outcomes!, changeOwner }));
  const { reassignments } = workers[0]!.routing;
  for (const { leadId } of leads.slice(HOT, HOT + ASKED)) {
    const to = random.chance(0.3) ? REPS[random.below(REPS.length)]! : null;
    await reassignments.request({ leadId, to, who: 'ops', reason: 'test', endReason: 'reassigned' });
  }
  await world.passTime(['reassign']);
  const steps = async () => {
    while ((await world.pool.query('SELECT FROM first_touch.steps WHERE outcome IS NULL')).rowCount! > 0)
      await Promise.all(workers.slice(0, 2).map((worker) => worker.runSteps()));
  };
  await Promise.all([
    sync(leads.slice(ASKED / 2, ASKED + HOT * 2), 2),
    steps(),
    ...workers.map(async (worker) => {
      const open =
        'SELECT FROM routing.reassignments WHERE done_at IS NULL UNION ALL SELECT FROM first_touch.steps WHERE outcome IS NULL';
      while ((await world.pool.query(open)).rowCount! > 0) await worker.reassign();
    }),
  ]);
  humans.stop();

  expect(humans.stolen).toEqual([]);
  const { rows } = await world.pool.query<{ who: string; outcome: string; n: number }>(
    'SELECT who, outcome, count(*)::int AS n FROM routing.reassignments GROUP BY 1, 2',
  );
  const count = (who: string, outcome: string) => rows.find((row) => row.who === who && row.outcome === outcome)?.n ?? 0;
  for (const who of ['ops', 'first touch'])
    for (const outcome of ['reassigned', 'sales took over'])
      expect(count(who, outcome), `${who}: ${outcome}`).toBeGreaterThan(20);
  expect(humans.changes).toBeGreaterThan(100);
  expect(fake.leads()).toHaveLength(LEADS);
}, 300_000);
