import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../platform/database/database.js';
import { calibratorSchema, type Calibrator } from './calibration/calibrator.js';
import type { ChosenCalibrator } from './calibration/choose-calibrator.js';
import type { Target } from './outcome.js';

/** On what a calibrator was fitted. */
export interface Fitted extends Omit<ChosenCalibrator, 'calibrator'> {
  target: Target;
  horizonDays: number;
  /** It says nothing about scores of other scorers. */
  scorerVersions: string[];
}

export interface Calibration {
  version: number;
  at: string;
  who: string;
  calibrator: Calibrator;
  fitted: Fitted;
  active: boolean;
}

const CALIBRATIONS = `
SELECT c.version, c.at, c.who, c.calibrator, c.fitted,
  c.version IS NOT DISTINCT FROM (SELECT a.version FROM feedback.calibration_activations a ORDER BY a.id DESC LIMIT 1) AS active
FROM feedback.calibrations c`;

/** Stored calibrators, and which of them is active. */
@Injectable()
export class CalibrationsRepository {
  constructor(private readonly database: Database) {}

  async add(who: string, calibrator: Calibrator, fitted: Fitted): Promise<number> {
    const { rows } = await this.database.query<{ version: number }>(
      'INSERT INTO feedback.calibrations (who, calibrator, fitted) VALUES ($1, $2, $3) RETURNING version',
      [who, JSON.stringify(calibrator), JSON.stringify(fitted)],
    );
    return rows[0]!.version;
  }

  /** The newest first, at most 50. */
  async list(): Promise<Calibration[]> {
    return (await this.database.query<Row>(`${CALIBRATIONS} ORDER BY c.version DESC LIMIT 50`)).rows.map(calibrationOf);
  }

  async active(): Promise<Calibration | null> {
    const { rows } = await this.database.query<Row>(
      `${CALIBRATIONS} WHERE c.version = (SELECT a.version FROM feedback.calibration_activations a ORDER BY a.id DESC LIMIT 1)`,
    );
    return rows[0] ? calibrationOf(rows[0]) : null;
  }

  /** @returns false where no calibration has this version. */
  async activate(who: string, version: number): Promise<boolean> {
    return this.changing(who, async (transaction) => {
      const { rowCount } = await transaction.query('SELECT FROM feedback.calibrations WHERE version = $1', [version]);
      if (rowCount === 0) return null;
      const now = await newest(transaction);
      return { version, previous: now?.id ?? null };
    });
  }

  /** Returns to what was active before. @returns false where none is active. */
  async rollBack(who: string): Promise<boolean> {
    return this.changing(who, async (transaction) => {
      const now = await newest(transaction);
      if (!now || now.version === null) return null;
      const { rows } = await transaction.query<Activation>(
        'SELECT id, version, previous FROM feedback.calibration_activations WHERE id = $1',
        [now.previous],
      );
      return { version: rows[0]?.version ?? null, previous: rows[0]?.previous ?? null };
    });
  }

  /** One change at a time, with its line in the log of operators' acts. */
  private changing(who: string, decide: (transaction: Queryable) => Promise<Omit<Activation, 'id'> | null>): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      await transaction.query('LOCK TABLE feedback.calibration_activations IN SHARE ROW EXCLUSIVE MODE');
      const next = await decide(transaction);
      if (!next) return false;
      await transaction.query('INSERT INTO feedback.calibration_activations (who, version, previous) VALUES ($1, $2, $3)', [
        who,
        next.version,
        next.previous,
      ]);
      await transaction.query("SELECT ledger.record_act($1, 'calibrate', $2)", [who, JSON.stringify({ version: next.version })]);
      return true;
    });
  }
}

interface Activation {
  id: number;
  version: number | null;
  previous: number | null;
}

async function newest(transaction: Queryable): Promise<Activation | undefined> {
  const { rows } = await transaction.query<Activation>(
    'SELECT id, version, previous FROM feedback.calibration_activations ORDER BY id DESC LIMIT 1',
  );
  return rows[0];
}

type Row = Omit<Calibration, 'at'> & { at: Date };

function calibrationOf(row: Row): Calibration {
  return { ...row, at: row.at.toISOString(), calibrator: calibratorSchema.parse(row.calibrator) };
}
