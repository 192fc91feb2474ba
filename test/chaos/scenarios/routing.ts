import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Humans } from '../../support/humans.js';
import { askOps } from '../../support/operator.js';
import type { Load } from '../load.js';
import type { Random } from '../random.js';
import type { World } from '../world.js';
import { startWithOrg } from './salesforce.js';
import type { Scenarios, Trial } from './scenario.js';

/** Leads that go on where no person acts, more workers, crashes of others, and reassignments by an operator. */
const SIZES = {
  full: { hot: 100, workers: 4, crashes: 6, asked: 40 },
  ci: { hot: 40, workers: 1, crashes: 2, asked: 20 },
};
const WITHIN_MS = 120_000;
/** Where a worker crashes: a decision is made but not written, is written but not recorded, is not made yet. */
const BOUNDARIES = ['routing.decide:after', 'crm.sync:after', 'routing.decide:before', 'ledger.mark-synced:before'];
/** Of the members of the pool whose leads are counted: shares that do not divide each other. */
const WEIGHTS = [5, 3, 3, 2, 1];

const usersFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => `005000000000${String(first + index).padStart(3, '0')}AAA`);
const FAIR = usersFrom(100, WEIGHTS.length);
const MOVING = usersFrom(200, 6);
const OTHERS = usersFrom(300, 4);

interface Party {
  humans: Humans;
  folder: string;
}

const parties = new WeakMap<World, Party>();

/** Rules give owners while workers crash, jobs are repeated, and people of the org change owners. */
export const ROUTING_SCENARIOS: Scenarios = {
  routing: {
    about: 'workers crash around a decision, jobs are repeated, humans change owners: shares are kept, no owner is stolen',
    trials: { full: 10, ci: 1 },
    pauseAtMostMs: 800,
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'revenueflow-chaos-routing-'));
      await writeFile(join(folder, 'rules.json'), JSON.stringify(rules()));
      const world = await startWithOrg({ RETRY_BASE_MS: '50', ROUTING_RULES: join(folder, 'rules.json') });
      // A human may choose a member of the other pool, whom the rules know and did not choose for this lead.
      const humans = new Humans(world.org!, (owner) => [...OTHERS, ...(FAIR.includes(owner) ? MOVING : FAIR)]);
      parties.set(world, { humans, folder });
      return world;
    },
    close: (world) => rm(parties.get(world)!.folder, { recursive: true, force: true }),
    fault: faults,
  },
};

/** Hot leads have a clock of a minute, of which a fiftieth passes before they go to the next owner. */
function rules(): object {
  const rule = (name: string, when: object, pool: string) => ({ name, when, ['then' as string]: { pool } });
  return {
    reps: [...FAIR, ...MOVING].map((id) => ({ id })),
    pools: [
      { name: 'fair', members: FAIR.map((rep, index) => ({ rep, weight: WEIGHTS[index] })) },
      { name: 'moving', members: MOVING.map((rep) => ({ rep })) },
    ],
    rules: [rule('hot', { field: 'band', eq: 'hot' }, 'moving'), rule('others', { field: 'email', known: true }, 'fair')],
    fallback: { queue: '00G000000000001EAA' },
    firstTouch: { minutes: { hot: 1 }, steps: [{ do: 'reassign', atPercent: 2 }], maxReassignments: 1 },
  };
}

async function faults({ world, random, number, load, full, note }: Trial): Promise<void> {
  const { humans } = parties.get(world)!;
  const { hot: count, workers: more, crashes, asked } = SIZES[full ? 'full' : 'ci'];
  humans.start(random);
  const workers = await Promise.all(Array.from({ length: more }, () => world.startRole('worker')));
  try {
    const hot = await sendHot(world, number, count);
    for (let crash = 0; crash < crashes; crash++) {
      await crashAt(world, BOUNDARIES[(number + crash) % BOUNDARIES.length]!, random, load);
      await reassignSome(world, random, hot, Math.ceil(asked / crashes));
      // The leads that are being run are run once more.
      if (crash % 2 === 0) await world.wipeRedis();
      else await world.killAndRestart('worker');
    }
    await load.pause();
    await settled(world);
  } finally {
    humans.stop();
    await Promise.all(workers.map((worker) => worker.stop()));
  }
  const wrong = [...humans.stolen, ...(await whatIsWrong(world, humans))];
  if (wrong.length > 0) throw new Error(`${wrong.length} wrong: ${wrong.slice(0, 5).join('; ')}`);
  await mustHaveHappened(world, humans, note);
}

async function sendHot(world: World, number: number, count: number): Promise<string[]> {
  const message = 'Please schedule a demo for our team this week: the budget is approved, we want a quote.';
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      world.api.post({
        email: `hot${index}-${number}@enterprise.com`,
        name: 'Ann Lee',
        campaign_id: 'c0',
        title: 'VP Sales',
        company: 'Enterprise',
        employees: '5000',
        message,
      }),
    ),
  );
  return answers.map(({ body }) => body.leadId);
}

/** A worker beside the others that crashes at a step, with bursts of leads until it has. */
async function crashAt(world: World, place: string, random: Random, load: Load): Promise<void> {
  const env = { CHAOS_KILL_AT: place, CHAOS_KILL_AFTER: String(random.between(1, 10)) };
  const { child } = await world.startDoomedWorker(env);
  const deadline = Date.now() + 30_000;
  while (child.signalCode === null) {
    if (Date.now() > deadline) throw new Error(`The worker has not come to ${place}.`);
    await load.burst(1, 60);
    await sleep(200);
  }
}

/**
 * Reassignments that an operator asks for, until enough are accepted: a lead may have no owner yet, or another request
 * may be open.
 */
async function reassignSome(world: World, random: Random, leads: string[], count: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (let accepted = 0; accepted < count && Date.now() < deadline;) {
    const leadId = leads[random.below(leads.length)]!;
    const to = random.chance(0.5) ? { to: MOVING[random.below(MOVING.length)]! } : {};
    const { status } = await askOps(world.api, 'POST', '/ops/routing/reassign', { leadId, reason: 'chaos', ...to });
    if (status !== 202 && status !== 404) throw new Error(`A reassignment was answered ${status}.`);
    if (status === 202) accepted++;
    else await sleep(50);
  }
}

const UNSETTLED = `SELECT (
  (SELECT count(*) FROM ledger.leads WHERE state IN ('received', 'enriched'))
  + (SELECT count(*) FROM routing.reassignments WHERE done_at IS NULL)
  + (SELECT count(*) FROM first_touch.steps WHERE outcome IS NULL)
  + (SELECT count(*) FROM routing.assignments WHERE id > (SELECT max(assignment_id) FROM first_touch.position))
)::int AS n`;

/** Until all leads are in the org, and no clock has a step that is left. */
async function settled(world: World): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  let quiet = 0;
  while (quiet < 2) {
    if (Date.now() > deadline) throw new Error(`Owners still change after ${WITHIN_MS / 1000} s. ${await world.describe()}`);
    quiet = (await world.count(UNSETTLED)) === 0 ? quiet + 1 : 0;
    await sleep(500);
  }
}

/** The member was owed another lead for these. */
const CREDITED = `coalesce(end_reason, '') IN ('junk', 'not-mine', 'not-needed')`;

const CHECKS: [string, string][] = [
  [
    'persons whose leads are in the org have no decision that stands or that a human changed',
    `SELECT count(*)::int AS n FROM (
       SELECT person_key FROM ledger.leads WHERE state = 'synced'
       EXCEPT SELECT person_key FROM routing.assignments WHERE ended_at IS NULL OR end_reason = 'changed-in-crm') without`,
  ],
  [
    'leads were decided more often than once and once per reassignment',
    `SELECT count(*)::int AS n FROM (
       SELECT lead_id FROM routing.assignments a WHERE rule <> 'existing owner' GROUP BY lead_id
       HAVING count(*) > 1 + (SELECT count(*) FROM routing.reassignments r WHERE r.lead_id = a.lead_id AND next_id IS NOT NULL)
     ) twice`,
  ],
  [
    'members have another number of turns than of decisions',
    `SELECT count(*)::int AS n FROM routing.pool_turns t
     FULL JOIN (SELECT pool, rep, count(*) FILTER (WHERE NOT ${CREDITED}) AS had FROM routing.assignments
                WHERE pool IS NOT NULL GROUP BY 1, 2) d USING (pool, rep)
     WHERE coalesce(t.assigned, 0) <> coalesce(d.had, 0)`,
  ],
];

async function whatIsWrong(world: World, humans: Humans): Promise<string[]> {
  const wrong: string[] = [];
  for (const [what, sql] of CHECKS) {
    const found = await world.count(sql);
    if (found > 0) wrong.push(`${found} ${what}`);
  }
  return [...wrong, ...(await unfair(world)), ...(await otherOwners(world, humans))];
}

/** Each member is at most a lead from its share. A lead that is owed, since it was not needed, may be late. */
async function unfair(world: World): Promise<string[]> {
  const { rows } = await world.query<{ rep: string; had: number; owed: number }>(
    `SELECT rep, count(*) FILTER (WHERE NOT ${CREDITED})::int AS had, count(*) FILTER (WHERE ${CREDITED})::int AS owed
     FROM routing.assignments WHERE pool = 'fair' GROUP BY rep`,
  );
  const sum = (key: 'had' | 'owed') => rows.reduce((total, row) => total + row[key], 0);
  const weight = WEIGHTS.reduce((total, each) => total + each, 0);
  return FAIR.flatMap((rep, index) => {
    const had = rows.find((row) => row.rep === rep)?.had ?? 0;
    const share = (sum('had') * WEIGHTS[index]!) / weight;
    return Math.abs(had - share) > 1 + sum('owed') ? [`${rep} has ${had} leads, its share is ${share.toFixed(2)}`] : [];
  });
}

/** Leads whose owner neither a human nor the decision chose. */
async function otherOwners(world: World, { chosen }: Humans): Promise<string[]> {
  const { rows } = await world.query<{ key: string; owners: string[] }>(
    `SELECT encode(person_key, 'hex') AS key, array_agg(DISTINCT owner_id) AS owners FROM routing.assignments
     WHERE ended_at IS NULL GROUP BY 1`,
  );
  const decided = new Map(rows.map(({ key, owners }) => [key, owners]));
  return world.org!.leads().flatMap((lead) => {
    const owner = String(lead['OwnerId']);
    const expected = chosen.has(String(lead['Id']))
      ? [chosen.get(String(lead['Id']))!]
      : (decided.get(String(lead['RF_Person_Key__c'])) ?? []);
    return expected.length === 1 && expected[0] === owner
      ? []
      : [`Lead ${String(lead['Id'])} has the owner ${owner}, expected ${expected.join(' or ')}`];
  });
}

/** A trial in which nothing was reassigned, or no human acted, proves nothing. */
async function mustHaveHappened(world: World, { changes, reassigned }: Humans, note: Trial['note']): Promise<void> {
  const { rows } = await world.query<{ who: string; outcome: string; n: number }>(
    'SELECT who, outcome, count(*)::int AS n FROM routing.reassignments GROUP BY 1, 2 ORDER BY 1, 2',
  );
  const decisions = await world.count('SELECT count(*)::int AS n FROM routing.assignments');
  const outcomes = rows.map(({ who, outcome, n }) => `${who}: ${outcome} ${n}`).join(', ');
  note(`${decisions} decisions, ${changes} owners changed by humans, ${reassigned} by us; ${outcomes}`);
  const done = (who: (name: string) => boolean) => rows.some((row) => who(row.who) && row.outcome === 'reassigned');
  if (changes === 0) throw new Error('No human changed an owner.');
  if (!done((who) => who === 'first touch')) throw new Error('The first touch has reassigned no lead.');
  if (!done((who) => who !== 'first touch')) throw new Error('No reassignment that an operator asked for was carried out.');
}
