import Table from 'cli-table3';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { FAKE_MARKETO_ID, FAKE_MARKETO_SECRET, FakeMarketo } from '../test/support/fakes/marketo/index.js';
import { allSynced, speedToLead } from './leads.js';
import { machine, median, startService, startStores, type Stores } from './support.js';

export interface MarketoOptions {
  rounds: number;
  rate: number;
  seconds: number;
  /** Seconds between two comparisons; 0 for none. */
  compare: number;
  say(line: string): void;
}

const WARM_UP_SECONDS = 3;
/** The comparison leaves calls of the last two minutes alone, so the clock of this Marketo is behind. */
const CLOCK_BEHIND_MS = 150_000;

interface Run {
  ackP50: number;
  ackP99: number;
  p50: number;
  p95: number;
  /** Of Marketo's REST API, for each lead. */
  callsPerLead: number;
  compared: number;
}

/**
 * Trigger campaigns of a fake Marketo call the webhook at a steady rate, with the write-back and comparisons, and
 * without both. The two take turns on the same stores, and each pair gives a ratio.
 */
export async function benchMarketo(options: MarketoOptions) {
  const stores = await startStores();
  try {
    const [off, on]: [Run[], Run[]] = [[], []];
    for (let round = 0; round <= options.rounds; round++) {
      // The order changes, since the second of two runs meets a larger ledger.
      for (const isOn of round % 2 === 0 ? [false, true] : [true, false]) {
        const run = await measure(stores, options, `${isOn ? 'on' : 'off'}${round}`, isOn);
        options.say(`round ${round}/${options.rounds}, Marketo ${isOn ? 'on' : 'off'}: ${JSON.stringify(run)}`);
        if (round > 0) (isOn ? on : off).push(run); // the first round warms the machine up
      }
    }
    const middle = (runs: Run[]) => {
      const of = (key: keyof Run) => Number(median(runs.map((run) => run[key])).toFixed(4));
      return { ackP50: of('ackP50'), ackP99: of('ackP99'), p50: of('p50'), p95: of('p95'), callsPerLead: of('callsPerLead') };
    };
    const ratio = (key: keyof Run) => Number(median(on.map((run, index) => run[key] / off[index]![key])).toFixed(3));
    const { rounds, rate, seconds, compare } = options;
    return {
      bench: 'marketo',
      machine: machine(),
      rounds,
      rate,
      seconds,
      compare,
      off: middle(off),
      on: middle(on),
      ratios: { ackP50: ratio('ackP50'), ackP99: ratio('ackP99'), p50: ratio('p50'), p95: ratio('p95') },
    };
  } finally {
    await stores.stop();
  }
}

async function measure(stores: Stores, { rate, seconds, compare }: MarketoOptions, tag: string, isOn: boolean): Promise<Run> {
  const fake = await FakeMarketo.start({ now: () => Date.now() - CLOCK_BEHIND_MS });
  const marketo = {
    MARKETO_BASE_URL: fake.url,
    MARKETO_CLIENT_ID: FAKE_MARKETO_ID,
    MARKETO_CLIENT_SECRET: FAKE_MARKETO_SECRET,
    MARKETO_WEBHOOK: 'RevenueFlow',
    MARKETO_RECONCILE: 'repair',
    MARKETO_EXTRACT: 'off',
  };
  const env: Record<string, string> = { QUEUE_BACKEND: 'redis', ...(isOn ? marketo : {}) };
  const sql = new pg.Client({ connectionString: stores.databaseUrl });
  await sql.connect();
  // Each run has a Marketo of its own, whose log has no calls of the runs before.
  await sql.query('UPDATE ledger.marketo_stages SET position = NULL, leased_until = NULL, quota = NULL');
  const [api, worker] = await Promise.all(['api', 'worker'].map((ROLE) => startService(stores, { ...env, ROLE })));
  const beginComparison = async () => {
    await sql.query(
      `INSERT INTO ledger.marketo_runs (requested_by, mode, from_at, to_at)
       VALUES ('bench', 'repair', now() - interval '10 minutes', now())`,
    );
  };
  const timer = isOn && compare > 0 ? setInterval(() => void beginComparison(), compare * 1000) : undefined;
  try {
    const url = `${api!.url}/leads`;
    await fillForms(fake, url, rate, WARM_UP_SECONDS, `warm${tag}`);
    const [before, acks] = [fake.calls.length, await fillForms(fake, url, rate, seconds, tag)];
    await allSynced(sql);
    const calls = fake.calls.length - before;
    const { p50, p95, leads } = await speedToLead(sql, tag);
    const { rows } = await sql.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM ledger.marketo_calls WHERE class IS NOT NULL',
    );
    const at = (share: number) => acks[Math.floor(acks.length * share)]!;
    return { ackP50: at(0.5), ackP99: at(0.99), p50, p95, callsPerLead: calls / leads, compared: rows[0]!.count };
  } finally {
    clearInterval(timer);
    await Promise.all([api!.stop(), worker!.stop()]);
    await sql.query('TRUNCATE ledger.marketo_calls, ledger.marketo_runs, ledger.marketo_extracted, ledger.marketo_updates');
    await sql.end();
    await fake.stop();
  }
}

/** @returns how long each answer took, in milliseconds, in order. */
async function fillForms(fake: FakeMarketo, url: string, rate: number, seconds: number, tag: string): Promise<number[]> {
  const template = `{"email": {{lead.Email Address}}, "name": {{lead.Full Name}}, "campaign_id": "${tag}", "marketo_id": {{lead.Id}}, "title": {{lead.Job Title}}}`;
  const campaigns = fake.campaigns({ url, template });
  const began = performance.now();
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: rate * seconds }, async (_, n) => {
      await sleep((n * 1000) / rate - (performance.now() - began));
      const person = { email: `p${n}@${tag}-enterprise.com`, firstName: 'Alex', lastName: `No ${n}`, title: 'VP Sales' };
      const personId = fake.people.add(person);
      const sent = performance.now();
      const { error } = await campaigns.run({ personId, campaignId: 987 });
      if (error !== null) throw new Error(`The webhook was not answered: ${error}`);
      times.push(performance.now() - sent);
    }),
  );
  return times.toSorted((a, b) => a - b);
}

export function printMarketo({
  rounds,
  rate,
  compare,
  off,
  on,
  ratios,
  ...result
}: Awaited<ReturnType<typeof benchMarketo>>): void {
  const table = new Table({
    head: ['Marketo', 'ack p50 ms', 'ack p99 ms', 'speed to lead p50 ms', 'p95 ms', 'API calls a lead'],
    style: { head: [], border: [] },
  });
  for (const [name, row] of Object.entries({ off, on }))
    table.push([name, row.ackP50, row.ackP99, row.p50, row.p95, row.callsPerLead]);
  table.push(['on / off', ratios.ackP50, ratios.ackP99, ratios.p50, ratios.p95, '']);
  console.log(
    `\n${result.machine}\n${rate} leads/s, a comparison every ${compare} s (0: none), medians of ${rounds} pairs of runs\n${table.toString()}`,
  );
}
