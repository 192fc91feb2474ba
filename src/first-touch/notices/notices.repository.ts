import { Inject, Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../../platform/database/database.js';
import type { FirstTouchPolicy } from '../../routing/first-touch.schema.js';
import { afterQuietHours } from '../clock-plan.js';
import type { Owner } from '../owners.js';
import type { Channel, Notice, NoticeKind } from './notice.js';

export type { NoticeKind } from './notice.js';

/** `Channel[]`: those that are configured. */
export const NOTICE_CHANNELS = Symbol('Channels of notices');

export interface NewNotice {
  assignmentId: string;
  kind: NoticeKind;
  recipient: Pick<Owner, 'userId' | 'timeZone'>;
  policy: Pick<FirstTouchPolicy, 'quietHours'>;
  now: Date;
}

export interface ClaimedNotice extends Notice {
  attempts: number;
  createdAt: Date;
  /** The number of the claim; a later claim has a greater one. */
  fence: string;
}

/** Why a channel takes no notices. */
export interface ChannelProblem {
  channel: Channel;
  since: Date;
  problem: string;
  dropped: number;
}

/** Notices of one message. */
const GROUP = 50;
const KEPT_DAYS = 30;
/** A notice that could not be sent for so long is dropped: its clock has long run out. */
const DUE_HOURS = 48;
/** Rows per statement of `prune`. */
const PRUNED_AT_ONCE = 5000;

/** The notices of the recipient who has waited longest, and who got none lately. */
const CLAIM = `
WITH recipient AS (
  SELECT n.recipient_id FROM first_touch.notices n
  WHERE n.channel = $1 AND n.state = 'due' AND n.next_at <= now() AND n.claimed_until <= now()
    AND NOT EXISTS (SELECT 1 FROM first_touch.notices s WHERE s.channel = $1 AND s.recipient_id = n.recipient_id
      AND s.state = 'sent' AND s.settled_at > now() - make_interval(secs => $2))
  ORDER BY n.next_at LIMIT 1
), due AS (
  SELECT n.id FROM first_touch.notices n JOIN recipient USING (recipient_id)
  WHERE n.channel = $1 AND n.state = 'due' AND n.next_at <= now() AND n.claimed_until <= now()
  ORDER BY n.id LIMIT ${GROUP} FOR UPDATE OF n SKIP LOCKED
), claim AS (
  SELECT nextval('first_touch.fences') AS fence
), claimed AS (
  UPDATE first_touch.notices n
  SET fence = claim.fence, claimed_until = now() + make_interval(secs => $3 / 1000.0), attempts = attempts + 1
  FROM due, claim WHERE n.id = due.id
  RETURNING n.id, n.kind, n.recipient_id, n.assignment_id, n.attempts, n.created_at, n.fence
)
SELECT n.id, n.kind, n.recipient_id AS "recipientId", n.assignment_id AS "assignmentId", n.attempts,
  n.created_at AS "createdAt", n.fence, c.lead_id AS "leadId", c.owner_id AS "ownerId", c.pool, c.band,
  c.campaign_id AS "campaignId", l.company, l.fit_score AS "fitScore", l.intent, l.evidence, l.crm_lead_id AS "crmLeadId",
  c.started_at AS "startedAt", c.due_at AS "dueAt", c.sla_minutes AS "slaMinutes", c.ended_at IS NOT NULL AS ended
FROM claimed n JOIN first_touch.clocks c ON c.assignment_id = n.assignment_id
JOIN ledger.lead_cards l ON l.lead_id = c.lead_id ORDER BY n.id`;

/** Notices to owners: they are stored with the change that they are about, and sent later. */
@Injectable()
export class NoticesRepository {
  constructor(
    private readonly database: Database,
    @Inject(NOTICE_CHANNELS) private readonly channels: readonly Channel[],
  ) {}

  /** Stores a notice per channel in the transaction of the change; a change has one notice however often it is made. */
  async add({ assignmentId, kind, recipient, policy, now }: NewNotice, on: Queryable): Promise<void> {
    if (this.channels.length === 0) return;
    const nextAt = afterQuietHours(now, policy.quietHours, recipient.timeZone);
    await on.query(
      `INSERT INTO first_touch.notices (assignment_id, kind, channel, recipient_id, next_at)
       SELECT $1, $2, channel, $4, $5 FROM unnest($3::text[]) AS channel ON CONFLICT DO NOTHING`,
      [assignmentId, kind, this.channels, recipient.userId, nextAt],
    );
  }

  /** The notices of the next message of a channel; empty where none is due. */
  async claim(channel: Channel, groupSeconds: number, leaseMs: number): Promise<ClaimedNotice[]> {
    const { rows } = await this.database.query<ClaimedNotice & Record<string, unknown>>(CLAIM, [channel, groupSeconds, leaseMs]);
    return rows;
  }

  /** The message was taken: its notices are settled, and what was known of a failing channel is removed. */
  async sent(channel: Channel, notices: ClaimedNotice[]): Promise<void> {
    await this.database.query(
      `WITH works AS (DELETE FROM first_touch.channel_problems WHERE channel = $1)
       UPDATE first_touch.notices SET state = 'sent', settled_at = now()
       WHERE id = ANY($2) AND fence = $3 AND state = 'due'`,
      [channel, notices.map(({ id }) => id), notices[0]!.fence],
    );
  }

  /** Returns notices that failed because of the channel: the attempt does not count. */
  async refund(notices: ClaimedNotice[]): Promise<void> {
    await this.database.query(
      `UPDATE first_touch.notices SET claimed_until = '-infinity', attempts = attempts - 1
       WHERE id = ANY($1) AND fence = $2 AND state = 'due'`,
      [notices.map(({ id }) => id), notices[0]!.fence],
    );
  }

  /** Returns notices that are sent again after a wait. */
  async postpone(notices: ClaimedNotice[], waitMs: number): Promise<void> {
    await this.database.query(
      `UPDATE first_touch.notices SET claimed_until = '-infinity', next_at = now() + make_interval(secs => $3 / 1000.0)
       WHERE id = ANY($1) AND fence = $2 AND state = 'due'`,
      [notices.map(({ id }) => id), notices[0]!.fence, waitMs],
    );
  }

  /** Settles notices that are not sent again. */
  async drop(channel: Channel, notices: ClaimedNotice[], problem: string): Promise<void> {
    await this.database.query(
      `WITH dropped AS (
         UPDATE first_touch.notices SET state = 'dropped', settled_at = now()
         WHERE id = ANY($2) AND fence = $3 AND state = 'due' RETURNING 1
       )
       INSERT INTO first_touch.channel_problems AS p (channel, problem, failures, paused_until, dropped)
       SELECT $1, $4, 0, '-infinity', count(*) FROM dropped HAVING count(*) > 0
       ON CONFLICT (channel) DO UPDATE SET dropped = p.dropped + excluded.dropped, problem = excluded.problem`,
      [channel, notices.map(({ id }) => id), notices[0]!.fence, problem],
    );
  }

  /**
   * Pauses a channel that does not answer, for a wait that doubles with each failure.
   * @returns how many failures there were in a row.
   */
  async pause(channel: Channel, problem: string, wait: { baseMs: number; atMostMs: number; atLeastMs: number }): Promise<number> {
    const { rows } = await this.database.query<{ failures: number }>(
      `INSERT INTO first_touch.channel_problems AS p (channel, problem, paused_until)
       VALUES ($1, $2, now() + make_interval(secs => greatest($5::float8, $3::float8) / 1000))
       ON CONFLICT (channel) DO UPDATE SET problem = excluded.problem, failures = p.failures + 1,
         paused_until = now() + make_interval(secs => greatest($5::float8, least($4::float8, $3::float8 * 2 ^ least(p.failures, 20))) / 1000)
       RETURNING failures`,
      [channel, problem, wait.baseMs, wait.atMostMs, wait.atLeastMs],
    );
    return rows[0]!.failures;
  }

  async isPaused(channel: Channel): Promise<boolean> {
    const text = 'SELECT 1 FROM first_touch.channel_problems WHERE channel = $1 AND paused_until > now()';
    return (await this.database.query(text, [channel])).rowCount === 1;
  }

  /** The channels that do not take notices. */
  async problems(): Promise<ChannelProblem[]> {
    const { rows } = await this.database.query<ChannelProblem & Record<string, unknown>>(
      'SELECT channel, since, problem, dropped FROM first_touch.channel_problems ORDER BY channel',
    );
    return rows;
  }

  /** Drops notices that are too old to be of use, and removes settled ones and what is known of other channels. */
  async prune(): Promise<void> {
    await this.database.query(
      `WITH dropped AS (
         UPDATE first_touch.notices SET state = 'dropped', settled_at = now() WHERE id IN (
           SELECT id FROM first_touch.notices WHERE state = 'due' AND next_at < now()
             AND (created_at < now() - make_interval(hours => ${DUE_HOURS}) OR channel <> ALL($1)) LIMIT ${PRUNED_AT_ONCE})
         RETURNING channel
       ), counted AS (
         SELECT channel, count(*) AS count FROM dropped GROUP BY channel
       )
       UPDATE first_touch.channel_problems p SET dropped = p.dropped + counted.count
       FROM counted WHERE p.channel = counted.channel`,
      [this.channels],
    );
    await this.database.query(
      `DELETE FROM first_touch.notices WHERE id IN (SELECT id FROM first_touch.notices
         WHERE state <> 'due' AND settled_at < now() - make_interval(days => ${KEPT_DAYS}) LIMIT ${PRUNED_AT_ONCE})`,
    );
    await this.database.query('DELETE FROM first_touch.channel_problems WHERE channel <> ALL($1)', [this.channels]);
  }
}
