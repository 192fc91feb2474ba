import type { Owner } from '../owners.js';
import type { LinkAction } from './action-links.js';
import type { Notice, NoticeKind } from './notice.js';
import { slackLink, slackText } from './slack-text.js';

/** Leads described in one message; the others are counted. */
const DESCRIBED = 10;
/** Reasons per lead. */
const REASONS = 3;

/** Addresses of a lead and of what its owner can do; absent where PUBLIC_URL or NOTICES_SECRET is not set. */
export interface NoticeLinks {
  console?: string;
  crm?: string;
  actions?: Record<LinkAction, string>;
}

export interface MessageContext {
  recipient: Owner;
  /** Names of other users, by their id. */
  nameOf(userId: string): string;
  linksOf(notice: Notice): NoticeLinks;
  /** The page that lists leads. */
  consoleUrl: string | null;
}

const HEADINGS: Record<NoticeKind, string> = {
  assigned: 'New lead',
  reminder: 'No first touch yet',
  manager: 'No first touch in time',
  'passed-on': 'Passed on to another owner',
};

/** One message in the format of Slack's incoming webhooks, for all notices of a recipient that are due. */
export function slackMessage(notices: Notice[], context: MessageContext): { text: string } {
  const { recipient, consoleUrl } = context;
  const to = recipient.slackUser ? `<@${recipient.slackUser}>` : slackText(recipient.name);
  const lines = notices.slice(0, DESCRIBED).map((notice) => lineOf(notice, context));
  const more = notices.length - DESCRIBED;
  if (more > 0) lines.push(`And ${more} more${consoleUrl ? `: ${slackLink(consoleUrl, 'leads')}` : '.'}`);
  return { text: [`${to}:`, ...lines].join('\n') };
}

function lineOf(notice: Notice, context: MessageContext): string {
  const { kind, company, fitScore, intent, band, evidence } = notice;
  const score = fitScore === null ? 'not scored' : `fit ${fitScore}, intent ${intent ?? 'unknown'}`;
  const reasons = evidence.slice(0, REASONS).map(({ signal }) => slackText(signal));
  const sentences = [
    `• *${HEADINGS[kind]}*: ${company ? slackText(company) : 'company not known'}, ${score}${band ? `, ${slackText(band)}` : ''}.`,
    kind === 'manager' ? `Owner: ${slackText(context.nameOf(notice.ownerId))}.` : '',
    reasons.length > 0 ? `Because: ${reasons.join('; ')}.` : '',
    kind === 'passed-on' ? '' : clockSentence(notice, context.recipient.timeZone),
    linkList(usableLinks(notice, context)),
  ];
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

function clockSentence({ dueAt, slaMinutes }: Notice, timeZone: string): string {
  return `First touch due by ${localTime(dueAt, timeZone)} (${slaMinutes} min of working time).`;
}

function linkList({ console, crm, actions }: NoticeLinks): string {
  const links = [
    ...(console ? [slackLink(console, 'Lead')] : []),
    ...(crm ? [slackLink(crm, 'CRM')] : []),
    ...(actions
      ? [slackLink(actions.claim, 'Claim'), slackLink(actions['not-mine'], 'Not mine'), slackLink(actions.junk, 'Junk')]
      : []),
  ];
  return links.join(' · ');
}

/** Nothing can be done with a clock that has ended. */
function usableLinks(notice: Notice, { linksOf }: MessageContext): NoticeLinks {
  const { actions, ...links } = linksOf(notice);
  return actions && !notice.ended && notice.kind !== 'passed-on' ? { ...links, actions } : links;
}

/** As people write it: `Fri, 27 Nov, 16:05 CET`. */
function localTime(at: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(at);
}

/** The body of the signed webhook: the same notices as data. Texts of the lead are as they came. */
export function webhookBody(notices: Notice[], context: MessageContext) {
  const { recipient, nameOf } = context;
  return {
    type: 'first-touch.notices',
    recipient: { userId: recipient.userId, name: recipient.name, email: recipient.email },
    notices: notices.map((notice) => ({
      id: notice.id,
      kind: notice.kind,
      leadId: notice.leadId,
      crmLeadId: notice.crmLeadId,
      owner: { userId: notice.ownerId, name: nameOf(notice.ownerId) },
      pool: notice.pool,
      band: notice.band,
      campaignId: notice.campaignId,
      company: notice.company,
      fitScore: notice.fitScore,
      intent: notice.intent,
      reasons: notice.evidence.map(({ signal, points }) => ({ signal, ...(points === undefined ? {} : { points }) })),
      clock: { startedAt: notice.startedAt, dueAt: notice.dueAt, minutes: notice.slaMinutes, ended: notice.ended },
      links: usableLinks(notice, context),
    })),
  };
}
