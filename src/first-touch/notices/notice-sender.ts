import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { NoticesRepository as OperatorNotices } from '../../flow-control/notices.repository.js';
import type { Clock } from '../../platform/clock.js';
import type { Config } from '../../platform/config/config.js';
import { crmLink } from '../../platform/config/crm-link.js';
import type { Logger } from '../../platform/observability/logger.js';
import { CLOCK, CONFIG, LOGGER } from '../../platform/platform.module.js';
import type { ActivePolicy } from '../first-touch-rules.js';
import { ActionLinks, LINK_ACTIONS, type LinkAction } from './action-links.js';
import { slackMessage, webhookBody, type MessageContext, type NoticeLinks } from './messages.js';
import type { Channel, Notice } from './notice.js';
import { NOTICE_CHANNELS, NoticesRepository, type ClaimedNotice } from './notices.repository.js';
import { postNotice, signedHeaders, type Delivery } from './post-notice.js';

/** Longer than a receiver may take. */
const LEASE_MS = 30_000;
/** Messages per channel and poll. */
const MESSAGES = 20;
/** Of a message that the receiver refuses. While it does not answer, notices wait until they are too old. */
const TRIES = 10;
const PAUSE_AT_MOST_MS = 300_000;
/** Failures in a row from which on operators are alerted. */
const ALERT_FROM = 5;

type SenderConfig = Pick<
  Config,
  | 'NOTICES_SLACK_URL'
  | 'NOTICES_WEBHOOK_URL'
  | 'NOTICES_SECRET'
  | 'PUBLIC_URL'
  | 'CONSOLE'
  | 'CRM_PROVIDER'
  | 'SALESFORCE_LOGIN_URL'
  | 'RETRY_BASE_MS'
>;

/**
 * Sends notices to owners. A receiver that fails delays notices and nothing else. Delivery is at least once: a process
 * that ends after a delivery leaves the notices due.
 */
@Injectable()
export class NoticeSender {
  private readonly links: ActionLinks | null;
  private readonly consoleUrl: string | undefined;

  constructor(
    private readonly notices: NoticesRepository,
    private readonly operators: OperatorNotices,
    @Inject(NOTICE_CHANNELS) private readonly channels: readonly Channel[],
    @Inject(CONFIG) private readonly config: SenderConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const { NOTICES_SECRET: secret, PUBLIC_URL: publicUrl, CONSOLE } = config;
    this.links = secret && publicUrl ? new ActionLinks(secret, publicUrl) : null;
    this.consoleUrl = CONSOLE === 'off' || !publicUrl ? undefined : `${publicUrl}/console/leads`;
  }

  /** Sends what is due. @returns whether there may be more. */
  async sendDue(policy: ActivePolicy, signal: AbortSignal): Promise<boolean> {
    const more = await Promise.all(this.channels.map((channel) => this.sendOn(channel, policy, signal)));
    return more.includes(true);
  }

  private async sendOn(channel: Channel, policy: ActivePolicy, signal: AbortSignal): Promise<boolean> {
    for (let sent = 0; sent < MESSAGES && !signal.aborted; sent++) {
      if (await this.notices.isPaused(channel)) return false;
      const claimed = await this.notices.claim(channel, policy.policy.groupSeconds, LEASE_MS);
      if (claimed.length === 0) return false;
      const delivery = await this.post(channel, claimed, policy, signal);
      if (delivery.kind === 'delivered') await this.notices.sent(channel, claimed);
      else if (!(await this.settleFailure(channel, claimed, delivery))) return false;
    }
    return true;
  }

  private async post(channel: Channel, claimed: ClaimedNotice[], policy: ActivePolicy, signal: AbortSignal): Promise<Delivery> {
    const context = await this.contextOf(claimed, policy);
    if (channel === 'slack')
      return postNotice(this.config.NOTICES_SLACK_URL!, JSON.stringify(slackMessage(claimed, context)), {}, signal);
    const body = JSON.stringify(webhookBody(claimed, context));
    const id = createHash('sha256')
      .update(claimed.map((notice) => notice.id).join())
      .digest('hex')
      .slice(0, 32);
    const headers = signedHeaders(this.config.NOTICES_SECRET!, `msg_${id}`, this.clock.now(), body);
    return postNotice(this.config.NOTICES_WEBHOOK_URL!, body, headers, signal);
  }

  private async contextOf(claimed: ClaimedNotice[], { owners }: ActivePolicy): Promise<MessageContext> {
    const { recipientId } = claimed[0]!;
    const known = await owners([recipientId, ...claimed.map(({ ownerId }) => ownerId)]);
    return {
      recipient: known.get(recipientId)!,
      nameOf: (userId) => known.get(userId)?.name ?? userId,
      linksOf: (notice) => this.linksOf(notice),
      consoleUrl: this.consoleUrl ?? null,
    };
  }

  private linksOf({ assignmentId, leadId, crmLeadId }: Notice): NoticeLinks {
    const links: NoticeLinks = {};
    const crm = crmLeadId === null ? null : crmLink(crmLeadId, this.config);
    if (this.consoleUrl) links.console = `${this.consoleUrl}/${leadId}`;
    if (crm !== null) links.crm = crm;
    if (this.links) {
      const address = (action: LinkAction) => this.links!.address({ assignmentId, action }, this.clock.now());
      links.actions = Object.fromEntries(LINK_ACTIONS.map((action) => [action, address(action)])) as Record<LinkAction, string>;
    }
    return links;
  }

  /** @returns false where the channel is paused. */
  private async settleFailure(
    channel: Channel,
    claimed: ClaimedNotice[],
    delivery: Exclude<Delivery, { kind: 'delivered' }>,
  ): Promise<boolean> {
    const baseMs = this.config.RETRY_BASE_MS;
    if (delivery.kind === 'refused') {
      if (claimed[0]!.attempts < TRIES) await this.notices.postpone(claimed, baseMs * 2 ** claimed[0]!.attempts);
      else {
        await this.notices.drop(channel, claimed, delivery.what);
        await this.alert(channel, delivery.what);
      }
      return true;
    }
    const wait = { baseMs: 2 * baseMs, atMostMs: PAUSE_AT_MOST_MS, atLeastMs: delivery.retryAfterMs };
    const failures = await this.notices.pause(channel, delivery.what, wait);
    await this.notices.refund(claimed);
    if (failures === 1)
      this.logger.error(`The ${channel} of notices to owners takes none: ${delivery.what}. It is tried again; leads do not wait`);
    if (failures >= ALERT_FROM) await this.alert(channel, delivery.what);
    return false;
  }

  private async alert(channel: Channel, problem: string): Promise<void> {
    await this.operators.record({ kind: 'owner-notices-undelivered', subject: channel, reason: problem });
  }
}
