import { pino } from 'pino';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { ScoredLeadsRepository } from '../../src/ledger/scored-leads.repository.js';
import { JudgedLeadsRepository } from '../../src/outcomes/judged-leads.repository.js';
import { systemClock } from '../../src/platform/clock.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { Database, type Queryable } from '../../src/platform/database/database.js';
import { openPool } from '../../src/platform/database/pool.js';
import { ActiveProfile } from '../../src/trials/active-profile.js';
import { TrialFiguresRepository } from '../../src/trials/trial-figures.repository.js';
import { TrialIntake } from '../../src/trials/trial-intake.js';
import { TrialKeeper } from '../../src/trials/trial-keeper.js';
import { TrialReport } from '../../src/trials/trial-report.js';
import { TrialRunner } from '../../src/trials/trial-runner.js';
import { TrialScorers } from '../../src/trials/trial-scorers.js';
import { TrialScoresRepository } from '../../src/trials/trial-scores.repository.js';
import { TrialsRepository } from '../../src/trials/trials.repository.js';
import { TrialsService } from '../../src/trials/trials.service.js';
import { freshDatabase } from './database.js';

const DAY = 86_400_000;

export interface TrialLead {
  email: string;
  /** The champion's score. */
  score: number;
  title: string;
  converted: boolean;
  enrichment?: object;
}

/** The parts of src/trials on a database of their own, with the scorers of the configuration. */
export async function trialsWorld() {
  const fresh = await freshDatabase();
  const pool = openPool({ url: fresh.url, max: 6, timeoutMs: 60_000, name: 'test' });
  const logger = pino({ level: 'silent' });
  // Rows of a worker that ended are due at once.
  const config = {
    ...loadConfig({}, { aiProviders: ['heuristic'], crmProviders: ['postgres'] }),
    LEASE_MS: 0,
    AI_TIMEOUT_MS: 0,
  };

  /** The parts of one process; `database` may fail at any statement. */
  async function startProcess(database: Database = new Database(pool)) {
    const trials = new TrialsRepository(database);
    const scores = new TrialScoresRepository(database);
    const leads = new ScoredLeadsRepository(database);
    const judged = new JudgedLeadsRepository(database);
    const profile = new ActiveProfile(trials, config, systemClock);
    const report = new TrialReport(new TrialFiguresRepository(database), judged, profile);
    const intake = new TrialIntake(leads, scores, judged, profile);
    const scorers = await TrialScorers.open({ config, trials, logger, clock: systemClock });
    const runner = new TrialRunner(scorers, leads, scores, trials, config, systemClock);
    const keeper = new TrialKeeper(trials, scores, intake, runner, report, 'worker', systemClock, logger);
    const service = new TrialsService(trials, report, profile, config);
    const { signal } = new AbortController();
    return {
      trials,
      scores,
      profile,
      scorers,
      service,
      /** Brings all open trials forward until nothing is left to do now. */
      async run(): Promise<void> {
        for (let more = true; more;) {
          more = false;
          for (const trial of await trials.open()) if (await keeper.advance(trial, signal)) more = true;
        }
        for (const trial of await trials.open()) await keeper.advance(trial, signal);
      },
    };
  }

  return {
    url: fresh.url,
    pool,
    startProcess,
    /** Leads that reached the CRM 100 days ago with the champion's score, and what became of them. */
    async addLeads(leads: readonly TrialLead[]): Promise<void> {
      const rows = leads.map(({ email, score, title, enrichment = {} }) => ({
        id: leadIdOf(email, 'c1'),
        key: personKeyOf(email),
        email,
        attributes: { title },
        enrichment: {
          fitScore: score,
          intent: 'low',
          confidence: 1,
          evidence: [{ signal: 'base score', polarity: 'positive', points: score }],
          reasoning: '',
          scoreSource: 'heuristic',
          needsRescore: false,
          flags: [],
          provider: 'heuristic',
          scorerVersion: 'champion-1',
          ...enrichment,
        },
      }));
      await pool.query(
        `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, attributes, received_at, content_at,
           enriched_at, synced_at, first_synced_at, enrichment, crm, event_seq)
         SELECT i.id, decode(i.key, 'hex'), i.email, i.email, 'c1', 'synced', i.attributes, at, at, at, at, at, i.enrichment, '{}', 1
         FROM jsonb_to_recordset($1::jsonb) AS i (id uuid, key text, email text, attributes jsonb, enrichment jsonb),
           LATERAL (SELECT now() - interval '100 days' + random() * interval '1 hour' AS at) times`,
        [JSON.stringify(rows)],
      );
      await pool.query(
        `INSERT INTO feedback.first_scores (person_key, lead_id, campaign_id, score, score_source, scorer_version, synced_at)
         SELECT person_key, id, campaign_id, (enrichment->>'fitScore')::int, 'heuristic', 'champion-1', first_synced_at
         FROM ledger.leads ON CONFLICT DO NOTHING`,
      );
      const converted = leads.filter((lead) => lead.converted).map(({ email }) => personKeyOf(email));
      await pool.query(
        `INSERT INTO feedback.outcomes (person_key, kind, at, source)
         SELECT decode(k, 'hex'), 'converted', now() - interval '60 days', 'test' FROM unnest($1::text[]) k`,
        [converted],
      );
    },
    async empty(): Promise<void> {
      await pool.query(
        `TRUNCATE trials.trials, trials.scores, trials.champions, ledger.leads, ledger.operator_acts, feedback.first_scores,
           feedback.outcomes RESTART IDENTITY CASCADE`,
      );
    },
    async close(): Promise<void> {
      await pool.end();
      await fresh.drop();
    },
  };
}

export type TrialsWorld = Awaited<ReturnType<typeof trialsWorld>>;

/** Days ago, as the API takes it. */
export const daysAgo = (days: number): string => new Date(Date.now() - days * DAY).toISOString();

/** A database whose n-th statement fails before or after it took effect, as where a process is killed there. */
export class KilledDatabase extends Database {
  private left: number;

  constructor(
    private readonly alive: Database,
    statements: number,
    private readonly when: 'before' | 'after',
  ) {
    super(undefined as never);
    this.left = statements;
  }

  /** Whether the process ended. */
  get isKilled(): boolean {
    return this.left <= 0;
  }

  override query: Database['query'] = (...statement) => this.through(this.alive, statement);

  override transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    return this.alive.transaction((transaction) =>
      work({ query: (...statement) => this.through(transaction, statement) as never }),
    );
  }

  private async through(target: Queryable, statement: Parameters<Queryable['query']>) {
    if (this.isKilled) throw new Error('The process is gone');
    if (--this.left > 0) return target.query(...statement) as never;
    if (this.when === 'after') await target.query(...statement);
    throw new Error('The process is killed');
  }
}
