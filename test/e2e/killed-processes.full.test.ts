import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { settingsOf, trialRequestSchema } from '../../src/ops/trials/trials.schemas.js';
import { outcomesWorld } from '../support/outcomes-world.js';
import { salesforceWorld } from '../support/salesforce-world.js';
import { daysAgo, trialsWorld } from '../support/trials-world.js';

const SCRIPT = join(import.meta.dirname, '../support/killed-process.mjs');
const DAY = 86_400_000;
const signal = new AbortController().signal;

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

interface Work {
  url: string;
  work: { kind: 'trials'; promote: number } | { kind: 'outcomes'; env: Record<string, string> };
}

/** Runs the work in a process that is killed with SIGKILL. @returns false where it ended before it was killed. */
async function isKilled(work: Work, killAt: number): Promise<boolean> {
  const { PATH = '', HOME = '' } = process.env;
  // By turns before the write is sent, and before it is answered.
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify({ ...work, killAt, isSent: killAt % 2 === 0 })], {
    env: { PATH, HOME },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
  if (killedBy !== 'SIGKILL' && code !== 0) throw new Error(`The process ended with ${code}:\n${output}`);
  return killedBy === 'SIGKILL';
}

/**
 * Begins anew for each write of the work: one process is killed there, and another one ends the work.
 * @returns the number of writes.
 */
async function killedAtEachWrite(begin: () => Promise<Work>, end: (killAt: number) => Promise<void>): Promise<number> {
  for (let killAt = 1; ; killAt++) {
    if (!(await isKilled(await begin(), killAt))) return killAt - 1;
    await end(killAt);
  }
}

it('trials lose and double no row, no end and no promotion', { timeout: 400_000 }, async () => {
  const world = await trialsWorld();
  undo.push(() => world.close());
  const leads = Array.from({ length: 40 }, (_, index) => {
    const isBuyer = index % 2 === 0;
    return { email: `p${index}@acme.com`, title: isBuyer ? 'VP' : 'Student', score: isBuyer ? 70 : 30, converted: false };
  });
  const [backtest, shadow] = [1, 2];
  const begin = async () => {
    await world.empty();
    await world.addLeads(leads);
    const { service } = await world.startProcess();
    for (const body of [
      { kind: 'backtest', challenger: { profile: { base: 20 } }, since: daysAgo(200), sample: 30 },
      // Its bands are others, so a rule ends it.
      {
        kind: 'shadow',
        challenger: { profile: { bands: { warm: 99, hot: 100 } } },
        share: 1,
        sample: 1000,
        stop: { maxDisagreement: 0 },
      },
    ]) {
      const request = trialRequestSchema.parse(body);
      const { kind, challenger, note } = request;
      await service.start({ kind, challenger, note, settings: settingsOf(request, Date.now()) }, 'ann');
    }
    await world.pool.query("UPDATE trials.trials SET position_at = now() - interval '200 days'");
    return { url: world.url, work: { kind: 'trials', promote: backtest } } satisfies Work;
  };

  const writes = await killedAtEachWrite(begin, async (killAt) => {
    await world.pool.query("UPDATE trials.trials SET leased_until = '-infinity'");
    // The rules are applied every 15 seconds: a new process applies them at once.
    for (let run = 0; run < 2; run++) await (await world.startProcess()).run();
    const { service, trials } = await world.startProcess();
    if ((await trials.champion()).trialId !== backtest) await service.promote(backtest!, 'ann', true);
    const { rows: ends } = await world.pool.query('SELECT id, state, reason FROM trials.trials ORDER BY id');
    const { rows: scores } = await world.pool.query(
      'SELECT trial_id AS trial, count(*)::int AS rows, count(challenger)::int AS scored FROM trials.scores GROUP BY 1 ORDER BY 1',
    );
    const { rows: acts } = await world.pool.query(
      "SELECT act, (detail->>'trial')::int AS trial FROM ledger.operator_acts WHERE act <> 'trial-start' ORDER BY act",
    );
    expect({ ends, scores, acts }, `killed at write ${killAt}`).toEqual({
      ends: [
        { id: backtest, state: 'done', reason: 'All leads of the sample are scored.' },
        { id: shadow, state: 'stopped', reason: expect.stringMatching(/leads into another band/) },
      ],
      scores: [
        { trial: backtest, rows: 30, scored: 30 },
        { trial: shadow, rows: 40, scored: 40 },
      ],
      acts: [
        { act: 'trial-end', trial: backtest },
        { act: 'trial-promote', trial: backtest },
        { act: 'trial-stop', trial: shadow },
      ],
    });
  });
  expect(writes).toBeGreaterThan(15);
});

it('the poller of outcomes loses and doubles no outcome and no first score', { timeout: 400_000 }, async () => {
  const world = await outcomesWorld();
  undo.push(() => world.close());
  const org = await salesforceWorld();
  undo.push(() => org.close());
  let now = Date.parse('2026-03-01T09:00:00Z');
  org.fake.setClock(() => now);
  const names = ['ann', 'bob', 'cleo', 'dora'] as const;
  const keyOf = (name: string) => personKeyOf(`${name}@acme.com`);
  await world.addSynced(names.map((name) => ({ email: `${name}@acme.com`, score: 50, syncedAt: new Date(now) })));
  const [ann, bob, cleo] = names.map((name) => org.fake.addLead({ RF_Person_Key__c: keyOf(name) })) as [string, string, string];
  const winner = org.fake.addLead({});
  const opportunity = org.fake.addOpportunity({ Amount: 7 });
  now += DAY;
  org.fake.changeRecord(bob, { Status: 'Qualified' });
  org.fake.mergeLeads(winner, cleo);
  org.fake.convertLead(ann, undefined, opportunity);
  now += DAY;
  org.fake.convertLead(winner);
  org.fake.closeOpportunity(opportunity, true);
  const crm = (await org.open()).outcomes!;

  const begin = async () => {
    await world.pool.query(
      'TRUNCATE feedback.outcomes, feedback.followed_records, feedback.merged_persons, feedback.first_scores',
    );
    await world.pool.query("DELETE FROM feedback.cursors WHERE name <> 'first-scores'");
    await world.pool.query("UPDATE feedback.cursors SET at = '-infinity', record_id = ''");
    return { url: world.url, work: { kind: 'outcomes', env: org.env } } satisfies Work;
  };
  const writes = await killedAtEachWrite(begin, async (killAt) => {
    await world.copyScores();
    const reader = world.reader(crm);
    while (await reader.read(signal)) continue;
    const { rows } = await world.pool.query('SELECT count(*)::int AS scores FROM feedback.first_scores');
    const stored = (await world.stored()).map(({ person, kind }) => `${names.find((name) => keyOf(name) === person)} ${kind}`);
    expect([stored.toSorted(), rows], `killed at write ${killAt}`).toEqual([
      ['ann converted', 'ann opportunity', 'ann won', 'bob qualified', 'cleo converted', 'cleo merged'],
      [{ scores: 4 }],
    ]);
  });
  expect(writes).toBeGreaterThan(8);
});
