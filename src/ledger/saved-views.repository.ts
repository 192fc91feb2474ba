import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { REPORT_DATABASE } from '../platform/platform.module.js';

/** Views that are kept at most; saving another one is refused. */
const KEPT = 50;

export interface SavedView {
  name: string;
  /** The filters as the query of the page's address. */
  query: string;
  who: string;
}

/** Lists of leads that operators saved by name, for all operators. */
@Injectable()
export class SavedViewsRepository {
  constructor(
    private readonly database: Database,
    @Inject(REPORT_DATABASE) private readonly reports: Database,
  ) {}

  async listViews(): Promise<SavedView[]> {
    return (await this.reports.query<SavedView>('SELECT name, query, who FROM ledger.saved_views ORDER BY name')).rows;
  }

  /** Saves a view, in place of one with the same name. False where 50 other views exist; nothing is saved then. */
  async saveView({ name, query, who }: SavedView): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `WITH saved AS (
         INSERT INTO ledger.saved_views (name, query, who)
         SELECT $1, $2, $3 WHERE (SELECT count(*) FROM ledger.saved_views WHERE name <> $1) < $4
         ON CONFLICT (name) DO UPDATE SET query = excluded.query, who = excluded.who, at = now()
         RETURNING name, query
       )
       SELECT ledger.record_act($3, 'save-view', jsonb_build_object('name', name, 'query', query)) FROM saved`,
      [name, query, who, KEPT],
    );
    return rowCount === 1;
  }

  async deleteView(name: string, who: string): Promise<void> {
    await this.database.query(
      `WITH gone AS (DELETE FROM ledger.saved_views WHERE name = $1 RETURNING name)
       SELECT ledger.record_act($2, 'delete-view', jsonb_build_object('name', name)) FROM gone`,
      [name, who],
    );
  }
}
