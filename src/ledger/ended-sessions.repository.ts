import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';

/** Sessions of the console whose operator signed out. Every process refuses their cookies. */
@Injectable()
export class EndedSessionsRepository {
  constructor(
    private readonly database: Database,
    @Inject(REPORT_DATABASE) private readonly reports: Database,
  ) {}

  /** @param endsAt when the cookie would have expired; the row is not needed after that. */
  async endSession(id: string, endsAt: Date): Promise<void> {
    await this.database.query(
      `WITH expired AS (DELETE FROM ledger.ended_sessions WHERE ends_at < now())
       INSERT INTO ledger.ended_sessions (id, ends_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`,
      [id, endsAt],
    );
  }

  /** Asks another pool where the reports have taken all connections of theirs. @throws AppError LEDGER_UNAVAILABLE */
  async hasEnded(id: string): Promise<boolean> {
    const statement = { name: 'ended-session', text: 'SELECT FROM ledger.ended_sessions WHERE id = $1', values: [id] };
    const { rowCount } = await this.reports.query(statement).catch(() => this.database.query(statement));
    return rowCount === 1;
  }
}
