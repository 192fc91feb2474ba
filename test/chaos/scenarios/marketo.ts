import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAKE_MARKETO_ID, FAKE_MARKETO_SECRET, FakeMarketo } from '../../support/fakes/marketo/index.js';
import type { CallFate, TriggerCampaigns } from '../../support/fakes/marketo/trigger-campaigns.js';
import type { Random } from '../random.js';
import { World } from '../world.js';
import type { Scenarios, Trial } from './scenario.js';

const CAMPAIGN = 987;
const PEOPLE = { full: 300, ci: 60 };
/** People of a call whose outcome is not known are left alone for 90 s. */
const WITHIN_MS = 150_000;
/** Calls of the last two minutes are not compared yet, so this Marketo's clock is behind. */
const CLOCK_BEHIND_MS = 150_000;

/** Where a worker is killed: before and after each call of Marketo, and each write of its outcome. */
const BOUNDARIES = [
  'marketo.write-leads:after',
  'marketo.read-activities:after',
  'marketo.read-leads:after',
  'ledger.marketo-settle:after',
  'marketo.write-leads:before',
  'marketo.read-pagingtoken:after',
  'marketo.read-describe:after',
  'ledger.marketo-settle:before',
];
const KILLED = { full: BOUNDARIES.length, ci: 3 };

interface Party {
  fake: FakeMarketo;
  campaigns: TriggerCampaigns;
  /** Ids of people who filled out the form; the value says whether they are still there. */
  people: Map<number, boolean>;
}

const parties = new WeakMap<World, Party>();

/** Marketo fails in every way, and so do workers between any two of its calls. */
export const MARKETO_SCENARIOS: Scenarios = {
  marketo: {
    about: 'Marketo is down, its calls of the day are used up, the token is revoked, and workers are killed at each boundary',
    trials: { full: 5, ci: 1 },
    pauseAtMostMs: 200,
    async open() {
      const fake = await FakeMarketo.start({ now: () => Date.now() - CLOCK_BEHIND_MS, limits: { calls: 100_000 } });
      const world = await World.start({
        RETRY_BASE_MS: '20',
        // Workers are killed one after the other here, and no lead is the cause.
        CRASH_BUDGET: '10',
        MARKETO_BASE_URL: fake.url,
        MARKETO_CLIENT_ID: FAKE_MARKETO_ID,
        MARKETO_CLIENT_SECRET: FAKE_MARKETO_SECRET,
        MARKETO_WEBHOOK: 'RevenueFlow',
        MARKETO_RECONCILE: 'repair',
        MARKETO_CALLS_PER_20_SECONDS: '100',
      });
      parties.set(world, { fake, campaigns: fake.campaigns({ url: `${world.api.url}/leads` }), people: new Map() });
      return world;
    },
    async close(world) {
      await parties.get(world)?.fake.stop();
    },
    fault: faults,
  },
};

async function faults({ world, random, number, full, load }: Trial): Promise<void> {
  // Leads of other senders are not the subject: Marketo does not know these people.
  await load.pause();
  const { fake } = parties.get(world)!;
  const some = Math.ceil((full ? PEOPLE.full : PEOPLE.ci) / 4);

  await fillForms(world, random, `out-${number}`, some);
  fake.down(true);
  await sleep(random.between(500, 1500));
  await fillForms(world, random, `away-${number}`, some);
  fake.down(false);

  fake.limits.settings.daily = fake.limits.used;
  await fillForms(world, random, `quota-${number}`, some);
  await sleep(random.between(500, 1500));
  fake.limits.settings.daily = 1_000_000;
  // The wait of hours that Marketo asks for is not the subject.
  await goOn(world);

  fake.sometimes(0.1, number);
  fake.revokeToken();
  await fillForms(world, random, `token-${number}`, some);
  removeSome(world, random);
  fake.sometimes(0);

  await world.worker.stop();
  for (const place of BOUNDARIES.slice(0, full ? KILLED.full : KILLED.ci)) {
    await goOn(world);
    await fillForms(world, random, `${place.replaceAll(/[^a-z]/g, '')}-${number}`, 4);
    await killedAt(world, place);
  }
  world.worker = await world.startRole('worker');
  await goOn(world);
  await settled(world);
}

/** Forms whose campaign calls the webhook: 3 % of the calls are lost, and 3 % of the answers. Some send it again. */
async function fillForms(world: World, random: Random, name: string, count: number): Promise<void> {
  const { fake, campaigns, people } = parties.get(world)!;
  const ids = Array.from({ length: count }, (_, n) => {
    const email = `${name}-${n}@acme.example`;
    return fake.people.add({ email, firstName: 'Ann', lastName: `No ${n}`, company: 'Acme' });
  });
  const fateOf = (n: number): CallFate =>
    n > 1 && (n === 2 || random.chance(0.03)) ? 'lost' : random.chance(0.03) ? 'answer-lost' : 'arrives';
  await Promise.all(
    ids.map(async (personId, n) => {
      people.set(personId, true);
      await campaigns.run({ personId, campaignId: CAMPAIGN, fate: fateOf(n) });
      if (!random.chance(0.2)) return;
      fake.people.get(personId)!['company'] = 'Acme Ltd';
      await campaigns.run({ personId, campaignId: CAMPAIGN });
    }),
  );
}

/** Deletes and merges people meanwhile. */
function removeSome(world: World, random: Random): void {
  const { fake, people } = parties.get(world)!;
  const there = [...people].filter(([, isThere]) => isThere).map(([id]) => id);
  const id = there[random.below(there.length)]!;
  fake.people.remove(id);
  people.set(id, false);
}

/** Ends waits that Marketo has asked for, and windows that are not due yet. */
async function goOn(world: World): Promise<void> {
  await world.query('UPDATE ledger.marketo_stages SET open_until = NULL, leased_until = NULL, quota = NULL');
  await world.query(
    `INSERT INTO ledger.marketo_runs (requested_by, mode, from_at, to_at)
     VALUES ('chaos', 'repair', now() - interval '1 hour', now())`,
  );
}

/** Whether the process ends within the time. */
async function ended(child: ChildProcess): Promise<boolean> {
  const waiting = new AbortController();
  const exit = once(child, 'exit').then(() => true);
  const late = sleep(20_000, false, { signal: waiting.signal }).catch(() => false);
  const isEnded = await Promise.race([exit, late]);
  waiting.abort();
  return isEnded;
}

async function killedAt(world: World, place: string): Promise<void> {
  const doomed = await world.startDoomedWorker({ CHAOS_KILL_AT: place });
  const died = doomed.child.exitCode !== null || doomed.child.signalCode !== null || (await ended(doomed.child));
  if (died) return;
  await doomed.stop();
  throw new Error(`The worker has not come to ${place}.`);
}

/** Waits until Marketo shows every score; then each must be the newest, and each call that was lost be taken in. */
async function settled(world: World): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  let wrong = ['not looked yet'];
  while (Date.now() < deadline) {
    wrong = await whatIsWrong(world);
    if (wrong.length === 0) return;
    await sleep(500);
  }
  throw new Error(`After ${WITHIN_MS / 1000} s: ${wrong.slice(0, 5).join('; ')}`);
}

async function whatIsWrong(world: World): Promise<string[]> {
  const { fake, people } = parties.get(world)!;
  const { rows } = await world.query<{ id: string; version: string; sends: number }>(
    `SELECT attributes->>'marketo_id' AS id, count(*)::int AS sends,
       max((extract(epoch FROM content_at) * 1000000)::bigint + scorings)::text AS version
     FROM ledger.leads WHERE attributes->>'marketo_id' IS NOT NULL GROUP BY 1`,
  );
  const inLedger = new Map(rows.map((row) => [Number(row.id), row]));
  const wrong: string[] = [];
  for (const [id, isThere] of people) {
    const row = inLedger.get(id);
    if (!isThere) continue;
    if (!row) wrong.push(`person ${id} is not in the ledger`);
    else if (row.sends !== 1) wrong.push(`person ${id} was taken in ${row.sends} times`);
    else if (fake.people.get(id)!['rfVersion'] !== row.version) {
      wrong.push(`Marketo shows version ${String(fake.people.get(id)!['rfVersion'])} of ${id}, and ${row.version} is the newest`);
    }
  }
  const { rows: dead } = await world.query<{ last_code: string; state: string }>(
    `SELECT last_code, state FROM ledger.marketo_updates u WHERE state IN ('dead', 'skipped')
     AND marketo_id IS NOT NULL AND NOT (last_code = 'MARKETO_PERSON_GONE')`,
  );
  return [...wrong, ...dead.map(({ last_code, state }) => `a person who is there is ${state}: ${last_code}`)];
}
