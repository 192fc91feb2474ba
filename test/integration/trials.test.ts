import { randomLcg } from 'd3-random';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { CANDIDATES, FIRST_SYNCED } from '../../src/ledger/scored-leads.repository.js';
import { JUDGED_LEADS } from '../../src/outcomes/judged-leads.repository.js';
import { settingsOf, trialRequestSchema } from '../../src/ops/trials/trials.schemas.js';
import { Database } from '../../src/platform/database/database.js';
import { isInShare } from '../../src/trials/trial.js';
import { daysAgo, KilledDatabase, trialsWorld, type TrialLead, type TrialsWorld } from '../support/trials-world.js';

type Process = Awaited<ReturnType<TrialsWorld['startProcess']>>;

let world: TrialsWorld;
beforeAll(async () => {
  world = await trialsWorld();
});
afterAll(() => world.close());
beforeEach(() => world.empty());

const titles = ['VP Sales', 'Student'] as const;
/** Profiles that agree or disagree with what buyers are like: two titles with points of their own. */
const profileOf = (name: string, buyers: number, others: number) => ({
  name,
  titles: {
    seniority: [
      { label: 'VP', meaning: 'senior decision maker', points: buyers, phrases: ['vp'] },
      { label: 'student', meaning: 'no buyer', points: others, phrases: ['student'] },
    ],
  },
});

/** Half of the leads are VPs, who convert often. `champion` gives their scores. */
function leadsOf(count: number, champion: (isBuyer: boolean, random: () => number) => number): TrialLead[] {
  const random = randomLcg(0.3);
  return Array.from({ length: count }, (_, index) => {
    const isBuyer = index % 2 === 0;
    return {
      email: `p${index}@acme.com`,
      title: titles[isBuyer ? 0 : 1],
      score: Math.round(champion(isBuyer, random)),
      converted: random() < (isBuyer ? 0.4 : 0.05),
    };
  });
}

const noise = (_: boolean, random: () => number) => 20 + 60 * random();
const right = (isBuyer: boolean, random: () => number) => (isBuyer ? 60 : 20) + 20 * random();

async function start(process: Process, body: object): Promise<number> {
  const request = trialRequestSchema.parse(body);
  const { kind, challenger, note } = request;
  const trial = await process.service.start({ kind, challenger, note, settings: settingsOf(request, Date.now()) }, 'ann');
  return trial.id;
}

const rowsOf = async (trial: number) =>
  (
    await world.pool.query<{ lead_id: string; tries: number; champion: { fitScore: number }; challenger: object }>(
      'SELECT lead_id, tries, champion, challenger FROM trials.scores WHERE trial_id = $1 ORDER BY lead_id',
      [trial],
    )
  ).rows;

describe('a backtest', () => {
  it('shows a better challenger, with both evidences, and changes no lead', async () => {
    await world.addLeads(leadsOf(600, noise));
    const before = (await world.pool.query('SELECT md5(string_agg(l::text, $1 ORDER BY id)) FROM ledger.leads l', [','])).rows;
    const process = await world.startProcess();
    const challenger = { profile: profileOf('titles', 25, -25) };
    const id = await start(process, {
      kind: 'backtest',
      challenger,
      since: daysAgo(200),
      sample: 500,
      stratify: ['band', 'outcome'],
    });
    await process.run();

    const report = await process.service.report(id);
    expect(report).toMatchObject({ state: 'done', reason: 'All leads of the sample are scored.', lastError: null });
    const figures = report.figures!;
    expect(figures).toMatchObject({ scored: 500, pending: 0, failed: 0, outcomes: { leads: 500, verdict: 'better' } });
    expect(figures.outcomes.auc!.difference.low).toBeGreaterThan(0);
    expect(figures.bands.reduce((sum, { leads }) => sum + leads, 0)).toBe(500);
    expect(Math.abs(figures.agreement.rankCorrelation!)).toBeLessThan(0.3);
    expect(figures.versions.champion).toEqual(['champion-1']);
    expect(report.injections).toMatchObject({ tried: 6, raised: 0 });
    expect(report.movers).toHaveLength(20);
    expect(report.movers[0]!.challenger.evidence.map(({ signal }) => signal)).toContainEqual(expect.stringMatching(/VP|student/));
    expect(report.movers[0]!.champion.evidence).not.toEqual([]);
    const after = (await world.pool.query('SELECT md5(string_agg(l::text, $1 ORDER BY id)) FROM ledger.leads l', [','])).rows;
    expect(after).toEqual(before);

    // What is left when its rows are removed by age, and then the trial itself.
    await world.pool.query("UPDATE trials.scores SET added_at = now() - interval '40 days'");
    expect(await process.trials.prune(30)).toBe(false);
    expect(await rowsOf(id)).toEqual([]);
    expect(await process.service.report(id)).toMatchObject({ figures: { scored: 500 }, movers: [] });
  });

  it('leaves out fallback scores and leads with other content than was scored', async () => {
    await world.addLeads([
      ...leadsOf(20, right),
      { email: 'fallback@acme.com', score: 50, title: 'VP', converted: false, enrichment: { scoreSource: 'fallback' } },
    ]);
    const process = await world.startProcess();
    const id = await start(process, { kind: 'backtest', challenger: { profile: { base: 20 } }, since: daysAgo(200) });
    const [trial] = await process.trials.open();
    await world.pool.query("UPDATE ledger.leads SET revision = 2 WHERE email = 'p3@acme.com'");
    expect(trial!.id).toBe(id);
    await process.run();
    expect(await rowsOf(id)).toHaveLength(20);
    await world.pool.query("UPDATE trials.scores SET scored_at = NULL, challenger = NULL WHERE person_key = decode($1, 'hex')", [
      personKeyOf('p4@acme.com'),
    ]);
    await world.pool.query("UPDATE ledger.leads SET revision = 2 WHERE email = 'p4@acme.com'");
    await world.pool.query("UPDATE trials.trials SET state = 'running', ended_at = NULL");
    await process.run();
    expect(await rowsOf(id)).toHaveLength(19);
  });
});

describe('a process that is killed at any statement', () => {
  const challenger = { profile: { base: 20 } };
  /** One process after the other, each killed a statement later than the one before, until one ends the work. */
  async function killedRepeatedly(
    when: 'before' | 'after',
    isEnded: (process: Process) => Promise<boolean>,
    work: (process: Process) => Promise<unknown> = (process) => process.run(),
  ): Promise<number> {
    const alive = await world.startProcess();
    for (let statements = 1; ; statements++) {
      if (statements > 200) throw new Error('The work does not end');
      const database = new KilledDatabase(new Database(world.pool), statements, when);
      const process = await world.startProcess(database);
      await work(process).catch(() => {});
      if (await isEnded(alive)) return statements;
    }
  }

  it.each(['before', 'after'] as const)('%s it took effect loses and doubles no row of a backtest', async (when) => {
    await world.addLeads(leadsOf(150, right));
    const id = await start(await world.startProcess(), { kind: 'backtest', challenger, since: daysAgo(200), sample: 120 });
    const hasEnded = async ({ trials }: Process) => (await trials.find(id))!.endedAt !== null;
    expect(await killedRepeatedly(when, hasEnded)).toBeGreaterThan(5);
    const rows = await rowsOf(id);
    expect(rows).toHaveLength(120);
    expect(new Set(rows.map(({ lead_id }) => lead_id)).size).toBe(120);
    expect(rows.every((row) => row.challenger !== null)).toBe(true);
    const { rows: acts } = await world.pool.query(
      "SELECT count(*)::int AS count FROM ledger.operator_acts WHERE act = 'trial-end'",
    );
    expect(acts[0]).toEqual({ count: 1 });
  });

  it.each(['before', 'after'] as const)('%s it took effect follows each live lead once', async (when) => {
    const id = await start(await world.startProcess(), { kind: 'shadow', challenger, share: 0.5, sample: 1000 });
    await world.pool.query("UPDATE trials.trials SET position_at = now() - interval '200 days'");
    const leads = leadsOf(700, right);
    await world.addLeads(leads);
    const expected = leads.filter(({ email }) => isInShare(id, personKeyOf(email), 0.5)).length;
    const isFollowed = async () => {
      const rows = await rowsOf(id);
      return rows.length >= expected && rows.every((row) => row.challenger !== null);
    };
    await killedRepeatedly(when, isFollowed);
    await (await world.startProcess()).run();
    expect(await rowsOf(id)).toHaveLength(expected);
  });

  it.each(['before', 'after'] as const)('%s it took effect stops a worse challenger all the same, once', async (when) => {
    const alive = await world.startProcess();
    const worse = { profile: profileOf('reversed', -25, 25) };
    const id = await start(alive, { kind: 'shadow', challenger: worse, share: 1, sample: 1000, stop: { maxDisagreement: 1 } });
    await world.pool.query("UPDATE trials.trials SET position_at = now() - interval '200 days'");
    await world.addLeads(leadsOf(600, right));
    await alive.run();
    expect((await alive.trials.find(id))!.endedAt).toBeNull();
    const isStopped = async ({ trials }: Process) => (await trials.find(id))!.state === 'stopped';
    expect(await killedRepeatedly(when, isStopped)).toBeGreaterThan(5);
    const { rows } = await world.pool.query("SELECT who FROM ledger.operator_acts WHERE act = 'trial-stop'");
    expect(rows).toEqual([{ who: 'stop rule' }]);
  });

  it.each(['before', 'after'] as const)('%s it took effect promotes once, and the trial ends with it', async (when) => {
    const alive = await world.startProcess();
    const id = await start(alive, { kind: 'shadow', challenger });
    const isPromoted = async ({ trials }: Process) => (await trials.champion()).trialId === id;
    const promote = ({ service }: Process) => service.promote(id, 'ann', true);
    expect(await killedRepeatedly(when, isPromoted, promote)).toBeGreaterThan(5);
    expect(await alive.trials.find(id)).toMatchObject({ state: 'done', reason: 'The challenger was promoted.' });
    const { rows } = await world.pool.query("SELECT act FROM ledger.operator_acts WHERE act <> 'trial-start' ORDER BY act");
    expect(rows.map(({ act }) => act)).toEqual(['trial-end', 'trial-promote']);
  });
});

describe('a trial on live leads', () => {
  const follow = (id: number) =>
    world.pool.query("UPDATE trials.trials SET position_at = now() - interval '200 days' WHERE id = $1", [id]);

  it('stops a challenger that ranks worse, by outcomes alone', async () => {
    const process = await world.startProcess();
    const challenger = { profile: profileOf('reversed', -25, 25) };
    const stop = { maxDisagreement: 1 };
    const id = await start(process, { kind: 'shadow', challenger, share: 1, sample: 1000, stop });
    await follow(id);
    await world.addLeads(leadsOf(600, right));
    await process.run();
    // The rules are applied every 15 seconds: a new process applies them at once.
    await (await world.startProcess()).run();
    const trial = await process.service.report(id);
    expect(trial).toMatchObject({ state: 'stopped', figures: { scored: 600, outcomes: { verdict: 'worse' } } });
    expect(trial.reason).toMatch(/ranks the leads that converted worse/);
    await expect(process.service.promote(id, 'ann')).rejects.toThrow(/worse than the scorer in use/);
    const { rows } = await world.pool.query("SELECT who, detail FROM ledger.operator_acts WHERE act = 'trial-stop'");
    expect(rows).toMatchObject([{ who: 'stop rule', detail: { trial: id } }]);
  });

  it('keeps what live leads got in a challenge, the errors of the challenger included, and stops by them', async () => {
    const process = await world.startProcess();
    const id = await start(process, { kind: 'challenge', challenger: { profile: { base: 20 } }, share: 0.5, sample: 1000 });
    await expect(start(process, { kind: 'challenge', challenger: { profile: { base: 21 } } })).rejects.toThrow(/one challenge/);
    await follow(id);
    const arm = (index: number) => {
      if (index < 4) return { id, arm: 'challenger', failed: 'AI_ANSWER_INVALID' };
      return index < 44 ? { id, arm: 'challenger' } : { id, arm: 'champion' };
    };
    await world.addLeads(leadsOf(200, right).map((lead, index) => ({ ...lead, enrichment: { trial: arm(index) } })));
    await process.run();
    const { rows } = await world.pool.query(
      `SELECT side, error, count(*)::int AS count, count(champion)::int AS champion, count(challenger)::int AS challenger
       FROM trials.scores GROUP BY 1, 2 ORDER BY 1`,
    );
    expect(rows).toEqual([
      { side: 'challenger', error: 'AI_ANSWER_INVALID', count: 4, champion: 4, challenger: 0 },
      // The champion scored these later, for the comparison.
      { side: 'champion', error: null, count: 40, champion: 40, challenger: 40 },
    ]);
    const failed = { trial: { id, arm: 'challenger', failed: 'AI_UNAVAILABLE' }, scoreSource: 'fallback' };
    const later = leadsOf(60, right).map((lead) => ({ ...lead, email: `later-${lead.email}`, enrichment: failed }));
    await world.addLeads(later);
    await follow(id);
    await (await world.startProcess()).run();
    expect(await process.trials.find(id)).toMatchObject({
      state: 'stopped',
      reason: expect.stringMatching(/failed 64 of 104 leads/),
    });
    expect(await process.trials.open()).toEqual([]);
  });

  it('ends where its challenger cannot be opened, and says why', async () => {
    const process = await world.startProcess();
    await world.addLeads(leadsOf(5, right));
    const id = await start(process, { kind: 'backtest', challenger: { provider: 'gemini' }, since: daysAgo(200) });
    await process.run();
    expect(await process.trials.find(id)).toMatchObject({ state: 'stopped', reason: expect.stringMatching(/GEMINI_API_KEY/) });
  });

  it.each(['run', 'stop'] as const)('ends by %s where this version cannot read its profile', async (way) => {
    const process = await world.startProcess();
    const id = await start(process, { kind: 'shadow', challenger: { profile: { base: 20 } }, share: 1 });
    await world.pool.query(`UPDATE trials.trials SET challenger = '{"profile": {"base": "of an older version"}}'`);
    if (way === 'run') await process.run();
    else await process.service.stop(id, 'ann');
    expect(await process.service.report(id)).toMatchObject({ state: 'stopped', figures: null });
  });

  it('has one budget of tokens per day for all processes', async () => {
    const [one, other] = [await world.startProcess(), await world.startProcess()];
    const id = await start(one, { kind: 'shadow', challenger: { profile: { base: 20 } } });
    await Promise.all([one.trials.spend(id, 600), other.trials.spend(id, 300), one.trials.spend(id, 50)]);
    expect(await other.trials.open()).toMatchObject([{ tokensToday: 950 }]);
    await world.pool.query('UPDATE trials.trials SET tokens_on = tokens_on - 1');
    expect(await other.trials.open()).toMatchObject([{ tokensToday: 0 }]);
    await other.trials.spend(id, 7);
    expect(await one.trials.open()).toMatchObject([{ tokensToday: 7 }]);
  });
});

describe('a promotion', () => {
  it('changes scorer, ranking and bands while the process runs; a rollback returns, step by step', async () => {
    await world.addLeads(leadsOf(20, right));
    const process = await world.startProcess();
    const score = async () =>
      (await process.scorers.ai.score({ email: 'a@b.com', attributes: {} } as never, new AbortController().signal)).fitScore;
    const before = await score();
    const promoted = async (base: number) => {
      const challenger = { profile: { name: `base ${base}`, base, bands: { warm: base, hot: base + 1 } } };
      const id = await start(process, { kind: 'backtest', challenger, since: daysAgo(200) });
      await process.run();
      const { version } = await process.service.promote(id, 'ann');
      await process.scorers.refresh();
      return { id, version };
    };
    const first = await promoted(20);
    expect(await score()).toBe(before - 10);
    const second = await promoted(10);
    expect([first.version, second.version, await score()]).toEqual([1, 2, before - 20]);
    expect(await process.profile.bandOf(11)).toEqual({ band: 'hot', profile: 'base 10' });
    await expect(process.service.promote(second.id, 'ann')).rejects.toThrow(/in use already/);

    const bands = [];
    for (let step = 0; step < 2; step++) {
      await process.service.rollBack('bob');
      await process.scorers.refresh();
      bands.push([await score(), (await process.profile.bandOf(11)).profile]);
    }
    expect(bands).toEqual([
      [before - 10, 'base 20'],
      [before, 'shipped'],
    ]);
    await expect(process.service.rollBack('bob')).rejects.toThrow(/nothing to return from/);
    const { rows } = await world.pool.query(
      "SELECT who, act, (detail->>'version')::int AS version FROM ledger.operator_acts WHERE act ~ 'promote|rollback' ORDER BY id",
    );
    expect(rows.map(({ who, act, version }) => `${who} ${act} ${version}`)).toEqual([
      'ann trial-promote 1',
      'ann trial-promote 2',
      'bob trial-rollback 3',
      'bob trial-rollback 4',
    ]);
  });
});

describe('a promotion by two processes at once', () => {
  it('is one change after the other, each with its line in the audit log', async () => {
    const processes = [await world.startProcess(), await world.startProcess()] as const;
    const ids = [];
    for (const base of [20, 10]) ids.push(await start(processes[0], { kind: 'shadow', challenger: { profile: { base } } }));
    const [first, second] = ids as [number, number];
    for (const trial of [first, second]) {
      const both = await Promise.allSettled(processes.map(({ service }) => service.promote(trial, 'ann', true)));
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    }
    const { rows } = await world.pool.query('SELECT version, previous, trial_id FROM trials.champions ORDER BY version');
    expect(rows).toEqual([
      { version: 1, previous: null, trial_id: first },
      { version: 2, previous: 1, trial_id: second },
    ]);
    const acts = await world.pool.query("SELECT act FROM ledger.operator_acts WHERE act ~ 'promote|rollback'");
    expect(acts.rows).toHaveLength(2);
  });
});

describe('a process that starts with a promoted scorer that it cannot open', () => {
  it.each([
    ['without a key', { provider: 'gemini', profile: { name: 'promoted', base: 20 } }],
    ['of an older version', { profile: { base: 'of an older version' } }],
  ])('%s scores by the configuration', async (_, challenger) => {
    const configured = await world.startProcess();
    const score = async ({ scorers }: Process) =>
      (await scorers.ai.score({ email: 'a@b.com', attributes: {} } as never, new AbortController().signal)).fitScore;
    await world.pool.query("INSERT INTO trials.champions (who, trial_id, challenger) VALUES ('ann', 1, $1)", [challenger]);
    const started = await world.startProcess();
    await started.scorers.refresh();
    expect(await score(started)).toBe(await score(configured));
    expect((await started.profile.bandOf(50)).band).not.toBeNull();
  });
});

describe('what a newer version wrote', () => {
  const unknown = /Another version .* cannot read it \(challenger\.rules: is not known here/;
  const challenger = { profile: { base: 20 } };

  it.each<[string, string, RegExp]>([
    ['challenger', '{"rules": "v3"}', unknown],
    ['settings', '{"perRegion": 5}', /settings\.perRegion: is not known here/],
    ['settings', '{"stop": {"maxLatencyMs": 5}}', /settings\.stop\.maxLatencyMs: is not known here/],
  ])('in the %s of a trial hides no other trial; it can be stopped, not promoted', async (column, more, why) => {
    const process = await world.startProcess();
    const [id, other] = [
      await start(process, { kind: 'challenge', challenger }),
      await start(process, { kind: 'shadow', challenger: { profile: { base: 21 } } }),
    ];
    await world.pool.query(`UPDATE trials.trials SET ${column} = ${column} || $2 WHERE id = $1`, [id, more]);
    expect(await process.service.list()).toMatchObject([
      { id: other, unreadable: null, challenger: { profile: { base: 21 } } },
      { id, unreadable: expect.stringMatching(why), challenger: null, settings: null },
    ]);
    // Workers of this version leave it alone, and go on with the other one.
    await process.run();
    expect((await process.trials.open()).map((each) => each.id)).toEqual([other]);
    expect(await process.service.report(id)).toMatchObject({ state: 'selecting', figures: null, movers: [] });
    await expect(process.service.promote(id, 'ann', true)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(why),
    });
    await process.service.stop(id, 'ann');
    expect(await process.service.report(id)).toMatchObject({ state: 'stopped', figures: null });
  });

  it('as the scorer in use is listed with the reason; trials wait for a rollback, and a worker keeps its scorer', async () => {
    const process = await world.startProcess();
    await world.pool.query(`INSERT INTO trials.champions (who, trial_id, challenger) VALUES ('ann', 7, '{"rules": "v3"}')`);
    expect(await process.service.champion()).toMatchObject({
      trialId: 7,
      challenger: null,
      unreadable: expect.stringMatching(unknown),
    });
    await expect(start(process, { kind: 'shadow', challenger })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(/^The scorer in use cannot be used\. Another version.*`trials rollback` leaves it\.$/),
    });
    await process.scorers.refresh();
    expect([process.scorers.ai.name, (await process.profile.bandOf(50)).profile]).toEqual(['heuristic', 'shipped']);
    expect(await process.service.rollBack('ann')).toMatchObject({ trialId: null, challenger: {}, unreadable: null });
    expect(await start(process, { kind: 'shadow', challenger })).toBeGreaterThan(0);
  });
});

describe('rows of persons', () => {
  it('are exported, erased, and not added again while the ledger has no lead of the person', async () => {
    await world.addLeads(leadsOf(10, right));
    const process = await world.startProcess();
    const id = await start(process, { kind: 'backtest', challenger: { profile: { base: 20 } }, since: daysAgo(200) });
    await process.run();
    const key = personKeyOf('p1@acme.com');
    const held = await world.pool.query("SELECT record FROM trials.held_records WHERE person_key = decode($1, 'hex')", [key]);
    expect(held.rows).toMatchObject([{ record: { trial_id: id, champion: { scorerVersion: 'champion-1' } } }]);
    await world.pool.query("DELETE FROM ledger.leads WHERE person_key = decode($1, 'hex')", [key]);
    const erased = await world.pool.query("SELECT trials.erase_person(decode($1, 'hex')) AS count", [key]);
    expect(erased.rows).toEqual([{ count: 1 }]);
    const [row] = await rowsOf(id);
    const again = { leadId: row!.lead_id, personKey: key, revision: 1, firstContent: true, side: 'challenger' as const };
    await world.pool.query("UPDATE trials.trials SET state = 'selecting', ended_at = NULL");
    await process.scores.addSample(id, async function* () {
      yield [{ ...again, champion: null, challenger: null, error: null, tokens: 0, costUsd: 0 }];
    });
    expect(await rowsOf(id)).toHaveLength(9);
  });
});

describe('the plans', () => {
  it.each([
    [/leads_received/, CANDIDATES, [daysAgo(30), 'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 5000]],
    [/leads_first_synced/, FIRST_SYNCED, [daysAgo(1), '00000000-0000-0000-0000-000000000000', 500]],
    [/first_scores_pkey/, JUDGED_LEADS, [[personKeyOf('a@b.com')], ['converted'], 90]],
    [/outcomes_(?:person|conversions)/, JUDGED_LEADS, [[personKeyOf('a@b.com')], ['converted'], 90]],
  ])('use %s', async (index, text, values) => {
    const client = await world.pool.connect();
    try {
      // A table of a test is so small that reading it whole is cheaper.
      await client.query('BEGIN; SET LOCAL enable_seqscan = off');
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(index);
      expect(plan).not.toMatch(/Seq Scan on (?:leads|outcomes|first_scores)/);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});
