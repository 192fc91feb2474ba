import { columns } from '../platform/database/unnest-columns.js';
import type { Queryable } from '../platform/database/database.js';

/** One call of a model. */
export interface Spending {
  provider: string;
  model: string;
  inputTokens: number;
  outputTokens: number;
  /** An estimate; 0 where the price table does not know the model. */
  costUsd: number;
}

/** What a model has cost in a day. */
export interface AiCost extends Spending {
  /** Scores that the calls produced. A call that produced none adds its tokens and no score. */
  scorings: number;
}

export interface DailyAiCost extends AiCost {
  /** In UTC: 2026-11-24. */
  day: string;
}

/** Adds up what this process spends, until it is written. Bounded by the number of models. */
export class AiCosts {
  private unsaved = new Map<string, AiCost>();

  add(spending: Spending, scorings: number): void {
    const key = `${spending.provider} ${spending.model}`;
    const sum = this.unsaved.get(key) ?? { ...spending, scorings: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
    sum.scorings += scorings;
    sum.inputTokens += spending.inputTokens;
    sum.outputTokens += spending.outputTokens;
    sum.costUsd += spending.costUsd;
    this.unsaved.set(key, sum);
  }

  /** Passes the sums to `write`. Sums that it could not write are kept for the next call. */
  async save(write: (costs: AiCost[]) => Promise<void>): Promise<void> {
    if (this.unsaved.size === 0) return;
    const taken = this.unsaved;
    this.unsaved = new Map();
    try {
      await write([...taken.values()]);
    } catch (error) {
      for (const cost of taken.values()) this.restore(cost);
      throw error;
    }
  }

  private restore(cost: AiCost): void {
    const key = `${cost.provider} ${cost.model}`;
    const since = this.unsaved.get(key);
    if (!since) return void this.unsaved.set(key, cost);
    since.scorings += cost.scorings;
    since.inputTokens += cost.inputTokens;
    since.outputTokens += cost.outputTokens;
    since.costUsd += cost.costUsd;
  }
}

export async function addAiCosts(database: Queryable, costs: AiCost[]): Promise<void> {
  await database.query({
    name: 'add-ai-costs',
    text: `INSERT INTO flow.ai_costs AS c (day, provider, model, scorings, input_tokens, output_tokens, cost_usd)
      SELECT (now() AT TIME ZONE 'UTC')::date, i.* FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::float[]) AS i
      ORDER BY 2, 3
      ON CONFLICT (day, provider, model) DO UPDATE SET scorings = c.scorings + excluded.scorings,
        input_tokens = c.input_tokens + excluded.input_tokens, output_tokens = c.output_tokens + excluded.output_tokens,
        cost_usd = c.cost_usd + excluded.cost_usd`,
    values: columns(costs, ['provider', 'model', 'scorings', 'inputTokens', 'outputTokens', 'costUsd']),
  });
}

/** The costs of the last `days`, today included; newest first. */
export async function listAiCosts(database: Queryable, days: number): Promise<DailyAiCost[]> {
  const { rows } = await database.query<DailyAiCost>(
    `SELECT to_char(day, 'YYYY-MM-DD') AS day, provider, model, scorings::float AS scorings, input_tokens::float AS "inputTokens",
       output_tokens::float AS "outputTokens", cost_usd AS "costUsd"
     FROM flow.ai_costs WHERE day > (now() AT TIME ZONE 'UTC')::date - $1::int ORDER BY flow.ai_costs.day DESC, provider, model`,
    [days],
  );
  return rows;
}
