import type { Database, Queryable } from '../platform/database/database.js';
import type { Condition } from './conditions.js';
import { ConsoleLinks } from './console-links.js';
import { NoticesRepository } from '../flow-control/notices.repository.js';
import { ALERTED_NOTICES, deadLettersFound, hotLeads, noticesText, type HotLead, type NewDeadLetters } from './messages.js';

/** An event gets its time before its commit, so each check overlaps the previous one; reported leads are remembered. */
const OVERLAP_SECONDS = 60;
/** After a long outage, older events are not worth an alert. */
const LOOK_BACK_SECONDS = 3600;
/** Undelivered messages that are kept; beyond it the oldest are dropped. */
const KEPT_MESSAGES = 100;

/** Notices in one message; the others follow with the next checks. */
const NOTICES_PER_MESSAGE = 10;

export interface DueMessage {
  id: string;
  text: string;
  attempts: number;
}

/** Why alerts do not arrive. */
export interface DeliveryProblem {
  since: Date;
  /** What the last attempt met. It never has the address, which is a secret. */
  problem: string;
  /** Messages removed after their last attempt. */
  dropped: number;
}

export interface Pace {
  /** At most one message per condition in this time, even if it flaps. */
  conditionSeconds: number;
  hotLeadSeconds: number;
  deadLetterSeconds: number;
}

/** Sent and pending alerts, in PostgreSQL, so that the next leader continues where this one stopped. */
export class AlertStore {
  constructor(
    private readonly database: Database,
    private readonly pace: Pace,
    private readonly links = new ConsoleLinks(undefined),
    private readonly notices = new NoticesRepository(database),
  ) {}

  /** State and message are one statement, so two processes cannot both send it. */
  async updateCondition(condition: Condition): Promise<void> {
    const { key, raised, detail, text, resolved } = this.links.of(condition);
    if (raised === null) return;
    const changed = raised
      ? `INSERT INTO flow.alerts AS a (key, raised, detail) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO UPDATE SET raised = excluded.raised, detail = excluded.detail, told_at = now()
         WHERE (a.raised, a.detail) IS DISTINCT FROM (excluded.raised, excluded.detail) AND a.told_at <= now() - make_interval(secs => $4)`
      : `UPDATE flow.alerts SET raised = $2, detail = $3, told_at = now()
         WHERE key = $1 AND raised AND told_at <= now() - make_interval(secs => $4)`;
    await this.database.query(
      `WITH changed AS (${changed} RETURNING key) INSERT INTO flow.alert_messages (text) SELECT $5 FROM changed`,
      [key, raised, detail, this.pace.conditionSeconds, raised ? text : resolved],
    );
  }

  /** Queues a message about leads scored at `score` or above since the last check, each lead once. */
  async queueHotLeads(score: number): Promise<void> {
    await this.checkSince('hot-lead', this.pace.hotLeadSeconds, async (client, since) => {
      const { rows } = await client.query<HotLead>(
        `WITH fresh AS (
           INSERT INTO flow.alerted_leads (kind, lead_id, seq)
           SELECT DISTINCT 'hot-lead', lead_id, 0 FROM ledger.scorings
           WHERE at > $1 AND fit_score >= $2 AND score_source <> 'fallback'
           ON CONFLICT DO NOTHING RETURNING lead_id
         )
         SELECT l.lead_id AS "leadId", l.fit_score AS "fitScore", l.intent, l.campaign_id AS "campaignId"
         FROM fresh JOIN ledger.lead_summaries l ON l.lead_id = fresh.lead_id AND l.fit_score >= $2
         ORDER BY l.fit_score DESC, l.lead_id`,
        [since, score],
      );
      return rows.length === 0
        ? null
        : { text: hotLeads(rows, (id) => this.links.lead(id)), leadIds: rows.map(({ leadId }) => leadId) };
    });
  }

  async queueDeadLetters(): Promise<void> {
    await this.checkSince('dead-letter', this.pace.deadLetterSeconds, async (client, since) => {
      const { rows } = await client.query<NewDeadLetters & { total: number }>(
        `WITH found AS (
           SELECT lead_id, seq, stage, code FROM ledger.dead_letterings WHERE at > $1
         ), fresh AS (
           INSERT INTO flow.alerted_leads (kind, lead_id, seq) SELECT 'dead-letter', lead_id, seq FROM found
           ON CONFLICT DO NOTHING RETURNING lead_id, seq
         )
         SELECT stage, code, count(*)::int AS count, (SELECT count(*)::int FROM ledger.lead_summaries WHERE state = 'dead') AS total
         FROM fresh JOIN found USING (lead_id, seq) GROUP BY stage, code ORDER BY count(*) DESC, code`,
        [since],
      );
      if (rows.length === 0) return null;
      await client.query(
        `INSERT INTO flow.alerts (key, raised) VALUES ('dead-letters', true)
         ON CONFLICT (key) DO UPDATE SET raised = true, told_at = now()`,
      );
      const text = this.links.append(deadLettersFound(rows, rows[0]!.total), '/console/dead-letters');
      return { text, leadIds: [] };
    });
  }

  /** Queues a message about what an operator has to correct in a downstream, each subject once per day. */
  async queueNotices(): Promise<void> {
    await this.database.transaction(async (client) => {
      const found = await this.notices.takeForAlert(client, ALERTED_NOTICES, NOTICES_PER_MESSAGE);
      if (found.length > 0) await client.query('INSERT INTO flow.alert_messages (text) VALUES ($1)', [noticesText(found)]);
    });
  }

  /** Messages that are due, oldest first. */
  async due(limit: number): Promise<DueMessage[]> {
    const { rows } = await this.database.query<DueMessage>(
      'SELECT id, text, attempts FROM flow.alert_messages WHERE next_attempt_at <= now() ORDER BY id LIMIT $1',
      [limit],
    );
    return rows;
  }

  /** Removes the message, and what was known of a failing delivery. */
  async delivered(id: string): Promise<void> {
    await this.database.query('WITH works AS (DELETE FROM flow.alert_delivery) DELETE FROM flow.alert_messages WHERE id = $1', [
      id,
    ]);
  }

  /** Records the failure of an attempt; with `dropped` it was the message's last one. */
  async failed(id: string, problem: string, dropped: boolean): Promise<void> {
    await this.database.query(
      `WITH removed AS (DELETE FROM flow.alert_messages WHERE id = $1 AND $3)
       INSERT INTO flow.alert_delivery AS d (problem, dropped) VALUES ($2, $3::int)
       ON CONFLICT (only_row) DO UPDATE SET problem = excluded.problem, dropped = d.dropped + excluded.dropped`,
      [id, problem, dropped],
    );
  }

  /** Null while alerts arrive, or none was sent. */
  async deliveryProblem(): Promise<DeliveryProblem | null> {
    const { rows } = await this.database.query<DeliveryProblem>('SELECT since, problem, dropped FROM flow.alert_delivery');
    return rows[0] ?? null;
  }

  /** Alerts are off. */
  async forgetDeliveryProblem(): Promise<void> {
    await this.database.query('DELETE FROM flow.alert_delivery');
  }

  /** Delays all messages, so that a resolved message never precedes its alert. */
  async postpone(id: string, delayMs: number): Promise<void> {
    await this.database.query(
      `UPDATE flow.alert_messages SET attempts = attempts + (id = $1)::int,
         next_attempt_at = greatest(next_attempt_at, now() + make_interval(secs => $2 / 1000.0))`,
      [id, delayMs],
    );
  }

  async prune(): Promise<void> {
    await this.database.query(
      `DELETE FROM flow.alert_messages WHERE id <= (SELECT id FROM flow.alert_messages ORDER BY id DESC OFFSET ${KEPT_MESSAGES} LIMIT 1)`,
    );
    await this.database.query("DELETE FROM flow.alert_messages WHERE created_at < now() - interval '1 day'");
    await this.database.query("DELETE FROM flow.alerted_leads WHERE at < now() - interval '1 day'");
  }

  /** Commits the found leads, the message about them and the end of the checked time together. */
  private async checkSince(
    kind: string,
    everySeconds: number,
    find: (client: Queryable, since: Date) => Promise<{ text: string; leadIds: string[] } | null>,
  ): Promise<void> {
    await this.database.query('INSERT INTO flow.alert_looks (kind) VALUES ($1) ON CONFLICT DO NOTHING', [kind]);
    await this.database.transaction(async (client) => {
      const { rows } = await client.query<{ since: Date }>(
        `SELECT greatest(seen_until - interval '${OVERLAP_SECONDS} seconds', began, now() - interval '${LOOK_BACK_SECONDS} seconds') AS since
         FROM flow.alert_looks WHERE kind = $1 AND (told_at IS NULL OR told_at <= now() - make_interval(secs => $2)) FOR UPDATE`,
        [kind, everySeconds],
      );
      // Not due yet: the next check finds these events too.
      if (!rows[0]) return;
      const message = await find(client, rows[0].since);
      await client.query(
        'UPDATE flow.alert_looks SET seen_until = now(), told_at = CASE WHEN $2 THEN now() ELSE told_at END WHERE kind = $1',
        [kind, message !== null],
      );
      if (!message) return;
      await client.query('INSERT INTO flow.alert_messages (text, lead_ids) VALUES ($1, $2)', [message.text, message.leadIds]);
    });
  }
}
