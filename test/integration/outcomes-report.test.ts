import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { CELLS, SPLIT, WEEKS } from '../../src/outcomes/score-cells.repository.js';
import { TARGET_KINDS } from '../../src/outcomes/outcome.js';
import { loadThenIndex } from '../support/bulk-load.js';
import { outcomesWorld, type OutcomesWorld } from '../support/outcomes-world.js';

const DAY = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY);

let world: OutcomesWorld;
beforeAll(async () => {
  world = await outcomesWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.pool.query(`TRUNCATE ledger.leads, ledger.events, feedback.outcomes, feedback.first_scores, feedback.merged_persons,
    feedback.calibration_activations, feedback.calibrations RESTART IDENTITY CASCADE`);
  await world.pool.query("UPDATE feedback.cursors SET at = '-infinity', record_id = ''");
});

const reported = (email: string, kind: 'won' | 'converted' | 'qualified', at: Date, id?: string) =>
  world.service.report({ email, kind, at: at.toISOString(), source: 'api', ...(id ? { id } : {}) }, 'ann');

describe('first scores', () => {
  it('are those with which a person first reached the CRM, whatever came later', async () => {
    await world.addSynced([
      { email: 'ann@acme.com', score: 40, syncedAt: daysAgo(200), campaignId: 'first' },
      { email: 'ann@acme.com', score: 90, syncedAt: daysAgo(100), campaignId: 'second' },
      { email: 'bob@acme.com', score: 70, syncedAt: daysAgo(150) },
    ]);
    // A later scoring of the first lead, and one that is too new to be copied.
    await world.pool.query(`UPDATE ledger.leads SET enrichment = enrichment || '{"fitScore": 99}' WHERE campaign_id = 'first'`);
    await world.addSynced([{ email: 'new@acme.com', score: 10, syncedAt: new Date() }]);
    await world.copyScores();
    await world.copyScores();
    const { rows } = await world.pool.query('SELECT score, campaign_id FROM feedback.first_scores ORDER BY score');
    expect(rows).toEqual([
      { score: 40, campaign_id: 'first' },
      { score: 70, campaign_id: 'c1' },
    ]);
  });
});

describe('an outcome of another system', () => {
  it('is stored once, and only of persons whom the ledger has', async () => {
    await world.addSynced([{ email: 'ann@acme.com', score: 40, syncedAt: daysAgo(200) }]);
    const at = daysAgo(150);
    expect(await reported(' Ann@ACME.com', 'won', at)).toBe(true);
    expect(await reported('ann@acme.com', 'won', at)).toBe(false);
    expect(await reported('ann@acme.com', 'won', at, 'deal-2')).toBe(true);
    await expect(reported('stranger@acme.com', 'won', at)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(reported('no address', 'won', at)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(reported('ann@acme.com', 'won', daysAgo(-3))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(
      world.service.report({ email: 'ann@acme.com', kind: 'won', at: at.toISOString(), source: 'salesforce' }, 'ann'),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(await world.stored()).toHaveLength(2);
  });
});

describe('the report', () => {
  it('counts each person by the first score, within the horizon, and leaves out who cannot be judged', async () => {
    const person = (name: string, score: number, days: number) => ({
      email: `${name}@acme.com`,
      score,
      syncedAt: daysAgo(days),
      scorerVersion: days > 120 ? 'h1' : 'h2',
    });
    await world.addSynced([
      person('converts', 80, 200),
      person('twice', 80, 200),
      person('late', 80, 200),
      person('open', 20, 200),
      person('before', 60, 200),
      person('young', 90, 30),
      person('young-converts', 90, 30),
      person('qualified', 20, 110),
    ]);
    await reported('converts@acme.com', 'converted', daysAgo(150));
    await reported('twice@acme.com', 'converted', daysAgo(150));
    await reported('twice@acme.com', 'won', daysAgo(140));
    await reported('late@acme.com', 'won', daysAgo(100));
    await reported('before@acme.com', 'won', daysAgo(300));
    await reported('young-converts@acme.com', 'converted', daysAgo(10));
    await reported('qualified@acme.com', 'qualified', daysAgo(100));
    const report = await world.service.reportOn({ target: 'converted' });
    expect(report).toMatchObject({
      horizonDays: 90,
      complete: true,
      immature: { leads: 2, conversions: 1 },
      convertedBefore: 1,
      overall: { leads: 5, conversions: 2, enough: false, auc: null, brier: null },
      reliability: [],
    });
    expect(report.overall.reason).toContain('Not enough to say: 2 conversions');
    expect(report.bands.map(({ band, from, leads, conversions }) => [band, from, leads, conversions])).toEqual([
      ['cold', 0, 2, 0],
      ['warm', 40, 0, 0],
      ['hot', 65, 3, 2],
    ]);
    expect(report.by.scorerVersion.map(({ group, leads, immature }) => [group, leads, immature])).toEqual([
      ['h1', 4, 0],
      ['h2', 1, 2],
    ]);
    const qualified = await world.service.reportOn({ target: 'qualified' });
    expect(qualified.overall.conversions).toBe(3);
    const won = await world.service.reportOn({ target: 'won', horizonDays: 365 });
    expect([won.overall.leads, won.immature.leads]).toEqual([0, 7]);
    const since = await world.service.reportOn({ target: 'converted', since: daysAgo(120).toISOString().slice(0, 10) });
    expect(since.overall.leads).toBe(1);
  });
});

/** Scores and conversions of many leads, made in the database. Every lead converts with the probability score / 200. */
async function fill(leads: number): Promise<void> {
  await loadThenIndex(world.pool, ['feedback.first_scores', 'feedback.outcomes'], async (client) => {
    await client.query(
      `INSERT INTO feedback.first_scores (person_key, lead_id, campaign_id, score, score_source, scorer_version, synced_at)
       SELECT sha256(n::text::bytea), gen_random_uuid(), 'c' || n % 500, (n::bigint * 7919) % 101, (ARRAY['ai', 'heuristic', 'fallback'])[1 + n % 3],
         'v' || n % 4, now() - (1 + n % 400) * interval '1 day' FROM generate_series(1, $1::int) n`,
      [leads],
    );
    await client.query(
      `INSERT INTO feedback.outcomes (person_key, kind, at, source, crm_id)
       SELECT person_key, 'converted', synced_at + interval '20 days', 'salesforce', encode(person_key, 'hex') FROM feedback.first_scores
       WHERE ('x' || left(encode(sha256(person_key), 'hex'), 7))::bit(28)::int / 268435456.0 < score / 200.0`,
    );
    await client.query(
      `INSERT INTO feedback.outcomes (person_key, kind, at, source, crm_id)
       SELECT person_key, 'touched', synced_at + interval '1 day', 'salesforce', encode(person_key, 'hex') FROM feedback.first_scores
       WHERE score % 5 = 0`,
    );
  });
}

interface Node {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Loops'?: number;
  Plans?: Node[];
}

const flat = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(flat)];

async function planOf(text: string, values: unknown[]): Promise<Node[]> {
  const explain = `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`;
  const { rows } = await world.pool.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(explain, values);
  return flat(rows[0]!['QUERY PLAN'][0].Plan);
}

describe('over many leads', () => {
  it('reads the scores and the conversions once, and no row of the ledger', async () => {
    await fill(30_000);
    for (const [text, values] of [
      [CELLS, [TARGET_KINDS.converted, 90, '-infinity']],
      [SPLIT, [TARGET_KINDS.converted, 90, '-infinity', 0.7]],
      [WEEKS, [13]],
    ] as const) {
      const plan = await planOf(text, [...values]);
      const scans = plan.filter((node) => node['Node Type'].includes('Scan') && node['Relation Name'] !== undefined);
      expect(scans.every((node) => node['Relation Name'] !== 'leads' && node['Relation Name'] !== 'events')).toBe(true);
      const loops = scans.filter((node) => node['Relation Name'] === 'first_scores').map((node) => node['Actual Loops'] ?? 0);
      // A process for each part of a parallel scan; never one look-up per lead.
      expect(Math.max(...loops)).toBeLessThanOrEqual(4);
    }
    const kinds = await planOf(CELLS, [TARGET_KINDS.converted, 90, '-infinity']);
    expect(kinds.some((node) => node['Index Name'] === 'outcomes_conversions')).toBe(true);
  });

  it.skipIf(!inject('full'))('answers for 1,000,000 leads', { timeout: 400_000 }, async () => {
    await fill(1_000_000);
    const began = performance.now();
    const report = await world.service.reportOn({ target: 'converted' });
    const seconds = (performance.now() - began) / 1000;
    console.log(`report on 1,000,000 leads: ${seconds.toFixed(2)} s`);
    expect(report.overall.leads + report.immature.leads).toBe(1_000_000);
  });

  it('has figures with intervals, and a calibration that an operator activates and takes back', async () => {
    await fill(20_000);
    // The ledger shows whose leads they are; the report needs no ledger.
    const report = await world.service.reportOn({ target: 'converted', capacity: 10 });
    expect(report.overall.enough).toBe(true);
    const { auc, brier } = report.overall;
    // Of scores that are uniform and convert with score / 200: 13/18 in the limit.
    expect(auc!.low).toBeLessThan(13 / 18);
    expect(auc!.high).toBeGreaterThan(13 / 18);
    expect(brier!.low).toBeLessThan(brier!.value);
    for (const { from, to, rate } of report.bands) {
      const truth = (from + to) / 2 / 200;
      expect([from, rate.low < truth && truth < rate.high]).toEqual([from, true]);
    }
    expect(report.prediction).toBe('score');
    expect(report.capacity!.score).toBeGreaterThan(0);
    expect(report.by.campaignId).toHaveLength(20);

    const fitted = await world.calibrations.fit('ann', 'converted');
    expect(fitted.fitted.scorerVersions).toEqual(['v0', 'v1', 'v2', 'v3']);
    const { outOfTime } = fitted.fitted;
    expect(outOfTime[fitted.calibrator.method]!).toBeLessThan(outOfTime.raw);
    const of = (scorerVersion: string) => world.calibrations.probabilityOf({ fitScore: 80, scorerVersion });
    expect(await of('v1')).toBeNull();
    await world.calibrations.activate('ann', fitted.version);
    const probability = (await of('v1'))!;
    expect(probability.value).toBeGreaterThan(0.35);
    expect(probability.value).toBeLessThan(0.45);
    expect(await of('another scorer')).toBeNull();
    expect((await world.service.reportOn({ target: 'converted' })).prediction).toBe('calibration');
    expect((await world.service.reportOn({ target: 'won' })).prediction).toBe('score');

    const second = await world.calibrations.fit('ann', 'converted', 60);
    await world.calibrations.activate('ann', second.version);
    await world.calibrations.rollBack('bob');
    expect((await of('v1'))!.calibration).toBe(fitted.version);
    await world.calibrations.rollBack('bob');
    expect(await of('v1')).toBeNull();
    await expect(world.calibrations.rollBack('bob')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(world.calibrations.activate('bob', 99)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const { rows } = await world.pool.query("SELECT who FROM ledger.operator_acts WHERE act = 'calibrate' ORDER BY at");
    expect(rows.map(({ who }) => String(who))).toEqual(['ann', 'ann', 'bob', 'bob']);
  });

  it('counts merged persons as the one who was scored first', async () => {
    await world.addSynced([
      { email: 'ann@acme.com', score: 30, syncedAt: daysAgo(200) },
      { email: 'bob@acme.com', score: 70, syncedAt: daysAgo(190) },
    ]);
    await world.pool.query(
      "INSERT INTO feedback.merged_persons SELECT decode(k, 'hex'), gen.u FROM unnest($1::text[]) k, (SELECT gen_random_uuid() AS u) gen",
      [[personKeyOf('ann@acme.com'), personKeyOf('bob@acme.com')]],
    );
    await reported('bob@acme.com', 'won', daysAgo(150));
    const { bands, overall } = await world.service.reportOn({ target: 'won' });
    expect([overall.leads, overall.conversions, bands[0]!.conversions]).toEqual([1, 1, 1]);
  });
});
