import type { MarketoArrivals } from '../ledger/marketo-arrivals.repository.js';
import { errorTypeOf } from './client/error-type.js';
import type { MarketoActivity } from './client/marketo-api.js';
import { note, ok, problem, type MarketoCheckLine } from './check-line.js';

/** What Marketo logged of one call of our webhook. */
interface LoggedCall {
  campaignId: number | null;
  error: string;
  /** The answer, where it is JSON. */
  answer: Record<string, unknown> | null;
  /** Whether the log has the answer at all: some instances leave it out. */
  hasAnswer: boolean;
}

interface Cause {
  subject: string;
  /** Of the status, the code of our answer, and Marketo's error type, which is the reason phrase. */
  shows: RegExp;
  verdict: 'note' | 'problem';
  remedy: string;
}

/** The first that fits counts. https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/webhooks/errors */
const CAUSES: Cause[] = [
  {
    subject: 'batch campaigns',
    shows: /^1000\b|batch campaign/i,
    verdict: 'problem',
    remedy: 'call the webhook from trigger campaigns: Marketo calls none from a batch campaign',
  },
  {
    subject: 'response mappings',
    shows: /^1001\b|mapping/i,
    verdict: 'problem',
    remedy: 'set Response type to JSON, and map the attributes status and leadId alone (Webhook Actions, Response Mappings)',
  },
  {
    subject: 'secret header',
    shows: /\b401\b|unauthori[sz]ed/i,
    verdict: 'problem',
    remedy: 'add the header X-Webhook-Secret with one of WEBHOOK_SECRETS (Webhook Actions, Set Custom Header)',
  },
  {
    subject: 'URL',
    shows:
      /\b(?:30[1278]|404|405)\b|not found|not allowed|moved|redirect|unknown ?host|refused|unresolved|no route|ssl|tls|certificate|handshake/i,
    verdict: 'problem',
    remedy: 'set the URL to https://<your host>/leads, without a redirect and with a certificate that browsers accept',
  },
  {
    subject: 'template',
    shows: /\b(?:400|415|422)\b|bad request|unsupported media/i,
    verdict: 'problem',
    remedy: 'the answer names the field; npx revenueflow rejections shows the bodies',
  },
  {
    subject: 'proxy',
    shows: /\b(?:403|413)\b|forbidden|too large/i,
    verdict: 'problem',
    remedy: 'a proxy or firewall before the service refuses the calls: let Marketo through, with bodies up to 64 KiB',
  },
  {
    subject: 'timeouts',
    shows: /time[ds]?[ -]?out/i,
    verdict: 'note',
    remedy: 'such a call may have arrived all the same: npx revenueflow marketo reconcile finds those that have not',
  },
  {
    subject: 'service',
    shows: /\b(?:429|5\d\d)\b|unavailable|gateway|internal server|too many|reset/i,
    verdict: 'note',
    remedy:
      'the service or a proxy before it did not accept the calls: npx revenueflow marketo reconcile --repair takes the leads in',
  },
];
/** Ids of campaigns in one finding. */
const CAMPAIGNS_NAMED = 5;

/** What the logged calls of our webhook show, with what to change; nothing where all succeeded. */
export function loggedFindings(activities: readonly MarketoActivity[]): MarketoCheckLine[] {
  const calls = activities.map(loggedCall);
  const groups = new Map<Cause | null, LoggedCall[]>();
  for (const call of calls.filter(({ error }) => error !== '')) {
    const cause = CAUSES.find(({ shows }) => shows.test(evidenceOf(call))) ?? null;
    groups.set(cause, [...(groups.get(cause) ?? []), call]);
  }
  const lines = [...groups].map(([cause, failed]): MarketoCheckLine => {
    const seen = `${failed.length} of ${calls.length} calls${campaignsOf(failed)}: ${errorsOf(failed)}`;
    if (!cause) return note('other errors', `${seen}; npx revenueflow marketo reconcile shows whether they arrived`);
    return { subject: cause.subject, verdict: cause.verdict, detail: `${seen}; ${cause.remedy}` };
  });
  // Something answered with success that is not this service.
  const foreign = calls.filter(({ error, hasAnswer, answer }) => error === '' && hasAnswer && !answer?.['leadId']);
  if (foreign.length > 0) {
    const seen = `${foreign.length} of ${calls.length} calls got an answer without leadId, so not from this service`;
    lines.push(problem('URL', `${seen}; set the URL to https://<your host>/leads`));
  }
  return lines;
}

const REJECTED: Record<MarketoArrivals['rejected'][number]['kind'], string> = {
  'unquoted-value': 'values without quotes: set Request Token Encoding to JSON (it is None)',
  'doubled-quotes': 'values with two pairs of quotes: remove the quotes around tokens in the template, JSON encoding adds them',
  'url-encoded': 'URL-encoded values in JSON: set Request Token Encoding to JSON (it is Form/Url)',
  'empty-value': 'tokens without a value: give them a default, such as {{lead.Full Name:default=}}',
  'unresolved-token': 'tokens that Marketo did not replace: correct their names in the template, or set Request Token Encoding',
  other: 'refused for another reason: npx revenueflow rejections shows why',
};

/** What the requests and leads of the last day show. `logged`: calls of our webhook in Marketo's log of that time. */
export function arrivalFindings(
  { leads, withMarketoId, unresolved, rejected }: MarketoArrivals,
  logged: number,
): MarketoCheckLine[] {
  const lines = rejected.map(({ kind, count }) =>
    (kind === 'other' ? note : problem)('template', `${count} rejected requests: ${REJECTED[kind]}`),
  );
  if (unresolved.length > 0) {
    const names = unresolved.map(({ field, count }) => `${field} (${count} leads)`).join(', ');
    lines.push(problem('tokens', `leads arrived with tokens that Marketo did not replace, in ${names}: correct the template`));
  }
  if (leads === 0 && rejected.length === 0 && logged > 0) {
    const seen = `Marketo logged ${logged} calls of the last day, and no new lead and no rejected request of that time is here`;
    lines.push(problem('URL', `${seen}: check the URL`));
  }
  if (leads > 0 && withMarketoId === 0) {
    lines.push(
      note('marketo_id', 'no lead of the last day has it: add "marketo_id": {{lead.Id}} to the template, it saves calls'),
    );
  } else if (leads > 0) lines.push(ok('arrivals', `${leads} leads of the last day, ${withMarketoId} with marketo_id`));
  return lines;
}

function loggedCall(activity: MarketoActivity): LoggedCall {
  const { campaignId, attributes } = activity;
  const response = attributes?.find(({ name }) => name.toLowerCase() === 'response')?.value;
  const text = typeof response === 'string' ? response.trim() : '';
  return { campaignId: campaignId ?? null, error: errorTypeOf(activity), hasAnswer: text !== '', answer: objectIn(text) };
}

function evidenceOf({ error, answer }: LoggedCall): string {
  const [status, code] = [answer?.['status'], answer?.['code']];
  return [error, typeof status === 'number' ? status : '', typeof code === 'string' ? code : ''].join(' ');
}

function campaignsOf(calls: LoggedCall[]): string {
  const ids = [...new Set(calls.flatMap(({ campaignId }) => campaignId ?? []))];
  if (ids.length === 0) return '';
  const more = ids.length > CAMPAIGNS_NAMED ? ` and ${ids.length - CAMPAIGNS_NAMED} more` : '';
  return ` (${ids.length === 1 ? 'campaign' : 'campaigns'} ${ids.slice(0, CAMPAIGNS_NAMED).join(', ')}${more})`;
}

function errorsOf(calls: LoggedCall[]): string {
  return [...new Set(calls.map(({ error }) => `"${error.slice(0, 60)}"`))].slice(0, 3).join(', ');
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
