import { AppError } from '../../domain/app-error.js';
import type { WebhookCall } from '../../ledger/marketo-calls.repository.js';
import { errorTypeOf } from '../client/error-type.js';
import type { MarketoActivity, MarketoApi } from '../client/marketo-api.js';

/** Other webhooks that are named, so that an operator can correct MARKETO_WEBHOOK. */
const NAMED_WEBHOOKS = 20;
const TYPE_NAME = 'call webhook';

/** Marketo's activities of webhook calls. Names are read from Marketo: ids of types are not promised to be the same. */
export class WebhookLog {
  private typeId: number | undefined;

  constructor(
    private readonly api: MarketoApi,
    /** MARKETO_WEBHOOK: the name or the id of our webhook. */
    private readonly webhook: string,
  ) {}

  tokenSince(since: Date, signal?: AbortSignal): Promise<string> {
    return this.api.pagingToken(since, signal);
  }

  /** One page of the log: calls of our webhook before `to`, and the names of other webhooks. */
  async page(token: string, to: Date, signal?: AbortSignal) {
    const { items, next, more } = await this.api.activities(await this.callWebhookType(signal), token, signal);
    const ours = items.filter((activity) => this.isOurs(activity));
    const calls = ours.map(callOf);
    const others = items.filter((activity) => !this.isOurs(activity)).map(nameOf);
    // Pages are in the order of time: after `to` begins what the next window reads.
    const isPast = items.length > 0 && items.every((activity) => timeOf(activity.activityDate) >= to.getTime());
    return { calls: calls.filter(({ at }) => at < to), others: [...new Set(others)], next, more: more && !isPast };
  }

  /** A call of our webhook; null where the activity is of another one. */
  ourCall(activity: MarketoActivity): WebhookCall | null {
    return this.isOurs(activity) ? callOf(activity) : null;
  }

  private isOurs(activity: MarketoActivity): boolean {
    return isCallOf(this.webhook, activity);
  }

  async callWebhookType(signal?: AbortSignal): Promise<number> {
    if (this.typeId !== undefined) return this.typeId;
    const type = callWebhookTypeIn(await this.api.activityTypes(signal));
    if (!type)
      throw new AppError('MARKETO_MISCONFIGURED', 'Marketo has no activity type "Call Webhook": is the feature enabled?');
    this.typeId = type.id;
    return type.id;
  }
}

export function callWebhookTypeIn<T extends { name: string }>(types: T[]): T | undefined {
  return types.find(({ name }) => name.toLowerCase() === TYPE_NAME);
}

/** Whether the activity is a call of the webhook with this name or id. */
export function isCallOf(
  webhook: string,
  { primaryAttributeValueId: id, primaryAttributeValue: name }: MarketoActivity,
): boolean {
  return String(id) === webhook || name?.trim() === webhook;
}

/** Adds names to those that are known, up to a bound. */
export function namedWebhooks(known: string[], more: string[]): string[] {
  return [...new Set([...known, ...more])].slice(0, NAMED_WEBHOOKS);
}

function callOf(activity: MarketoActivity): WebhookCall {
  return {
    guid: activity.marketoGUID,
    marketoId: activity.leadId,
    campaignId: activity.campaignId ?? null,
    at: new Date(timeOf(activity.activityDate)),
    failed: errorTypeOf(activity) !== '',
  };
}

/** Marketo writes 2026-11-27T10:27:00Z, …-08:00, …+0000 and …Z+0000; without a zone a time is in UTC. */
function timeOf(text: string): number {
  const [, time = text, hours, minutes] = /^(.*T[\d:.]+)Z?(?:([+-]\d\d):?(\d\d))?$/.exec(text.trim().replace(' ', 'T')) ?? [];
  const at = Date.parse(`${time}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`);
  if (Number.isNaN(at)) throw new AppError('MARKETO_UNAVAILABLE', 'An activity of Marketo has a time that cannot be read.');
  return at;
}

function nameOf({ primaryAttributeValueId: id, primaryAttributeValue: name }: MarketoActivity): string {
  return `${name ?? 'unnamed'} (${id ?? 'no id'})`;
}
