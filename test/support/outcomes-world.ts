import { pino } from 'pino';
import type { CrmOutcomeReader } from '../../src/crm/port.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { CalibrationService } from '../../src/outcomes/calibration.service.js';
import { CalibrationsRepository } from '../../src/outcomes/calibrations.repository.js';
import { CrmOutcomesReader, type ReaderTools } from '../../src/outcomes/crm-outcomes.reader.js';
import { FirstScoresRepository } from '../../src/outcomes/first-scores.repository.js';
import { OutcomesRepository } from '../../src/outcomes/outcomes.repository.js';
import { OutcomesService } from '../../src/outcomes/outcomes.service.js';
import { ScoreCellsRepository } from '../../src/outcomes/score-cells.repository.js';
import { systemClock } from '../../src/platform/clock.js';
import { Database } from '../../src/platform/database/database.js';
import { openPool } from '../../src/platform/database/pool.js';
import { freshDatabase } from './database.js';

export interface SyncedPerson {
  email: string;
  score: number;
  syncedAt: Date;
  campaignId?: string;
  scorerVersion?: string;
}

/** The parts of src/outcomes on a database of their own. */
export async function outcomesWorld() {
  const fresh = await freshDatabase();
  const pool = openPool({ url: fresh.url, max: 5, timeoutMs: 120_000, name: 'test' });
  const database = new Database(pool);
  const config = { OUTCOMES_HORIZON_DAYS: 90 };
  const repository = new OutcomesRepository(database);
  const cells = new ScoreCellsRepository(database);
  const firstScores = new FirstScoresRepository(database);
  const calibrations = new CalibrationService(new CalibrationsRepository(database), cells, config, systemClock);
  const statusKinds: ReaderTools['statusKinds'] = new Map([
    ['working - contacted', 'touched'],
    ['qualified', 'qualified'],
    ['closed - not converted', 'disqualified'],
  ]);
  return {
    url: fresh.url,
    pool,
    database,
    repository,
    cells,
    firstScores,
    calibrations,
    logger: pino({ level: 'silent' }),
    service: new OutcomesService(
      repository,
      cells,
      firstScores,
      calibrations,
      async () => ({ warm: 40, hot: 65 }),
      config,
      systemClock,
    ),
    reader: (crm: CrmOutcomeReader, tools: Partial<ReaderTools> = {}) =>
      new CrmOutcomesReader({ repository, crm, statusKinds, clock: systemClock, ...tools }),
    /** Leads of the ledger that reached the CRM, with the events that say so. */
    async addSynced(persons: SyncedPerson[]): Promise<void> {
      const rows = persons.map(({ email, score, syncedAt, campaignId = 'c1', scorerVersion = 'h1' }) => ({
        id: leadIdOf(email, campaignId),
        key: personKeyOf(email),
        email,
        campaign_id: campaignId,
        synced_at: syncedAt.toISOString(),
        enrichment: { fitScore: score, scoreSource: 'heuristic', scorerVersion },
      }));
      const values = [JSON.stringify(rows)];
      const from = `jsonb_to_recordset($1::jsonb) AS i (id uuid, key text, email text, campaign_id text, synced_at timestamptz, enrichment jsonb)`;
      await pool.query(
        `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, state, received_at, content_at, enriched_at, synced_at,
           first_synced_at, enrichment, crm, event_seq)
         SELECT i.id, decode(i.key, 'hex'), i.email, i.email, i.campaign_id, 'synced', i.synced_at, i.synced_at, i.synced_at,
           i.synced_at, i.synced_at, i.enrichment, '{}', 2 FROM ${from}`,
        values,
      );
      await pool.query(
        `INSERT INTO ledger.events (lead_id, seq, at, kind, detail) SELECT i.id, 2, i.synced_at, 'enriched', i.enrichment FROM ${from}`,
        values,
      );
    },
    async copyScores(): Promise<void> {
      while (!(await firstScores.catchUp())) continue;
    },
    /** All outcomes in order: whose, what, when and of which record. */
    async stored(): Promise<{ person: string; kind: string; at: string; crmId: string; amount: number | null }[]> {
      const { rows } = await pool.query<{ person: string; kind: string; at: Date; crmId: string; amount: number | null }>(
        `SELECT encode(person_key, 'hex') AS person, kind, at, crm_id AS "crmId", amount::float AS amount FROM feedback.outcomes
         ORDER BY person, at, kind, crm_id`,
      );
      return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
    },
    async close(): Promise<void> {
      await pool.end();
      await fresh.drop();
    },
  };
}

export type OutcomesWorld = Awaited<ReturnType<typeof outcomesWorld>>;
