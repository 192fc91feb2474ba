import type { Activities } from './activities.js';
import type { FakePerson, People } from './people.js';

/** A webhook as an admin defines it. */
export interface WebhookDefinition {
  id: number;
  name: string;
  url: string;
  headers: Record<string, string>;
  encoding: 'json' | 'form' | 'none';
  template: string;
  /** Which field of a person gets which attribute of the answer. */
  mappings: { attribute: string; field: string }[];
}

/** What happens to a call on its way, beside what the service does. */
export type CallFate = 'arrives' | 'lost' | 'answer-lost';

export interface CampaignRun {
  personId: number;
  campaignId: number;
  /** Batch campaigns may not call webhooks. */
  kind?: 'trigger' | 'batch';
  fate?: CallFate;
}

export interface CampaignAnswer {
  status: number | null;
  body: Record<string, unknown> | null;
  /** What Marketo logs as Error Type. */
  error: string | null;
}

/** Of the documentation: calls of an instance at a time, and how long each may take. */
const CONCURRENCY = 20;
const TIMEOUT_MS = 30_000;
const MAPPED_ATTRIBUTE = /^[\w :-]+$/;

/** The template of docs/marketo.md. */
export const TEMPLATE =
  '{"email": {{lead.Email Address}}, "name": {{lead.Full Name}}, "campaign_id": {{campaign.id}}, "marketo_id": {{lead.Id}}, "company": {{company.Company Name}}}';

/**
 * Trigger campaigns with the flow step Call Webhook: at most twenty calls at a time, each once whatever comes of it.
 * Fields of the answer are mapped, and each call is logged as an activity.
 * https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/webhooks/webhooks
 */
export class TriggerCampaigns {
  readonly webhook: WebhookDefinition;
  timeoutMs = TIMEOUT_MS;
  highest = 0;
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly people: People,
    private readonly activities: Activities,
    private readonly now: () => number,
    webhook: Partial<WebhookDefinition> & Pick<WebhookDefinition, 'url'>,
  ) {
    const defaults = { id: 71, name: 'RevenueFlow', headers: {}, encoding: 'json', template: TEMPLATE, mappings: [] } as const;
    this.webhook = { ...defaults, mappings: [], ...webhook };
  }

  /** A person fills out a form, and the campaign calls the webhook. */
  async run({ personId, campaignId, kind = 'trigger', fate = 'arrives' }: CampaignRun): Promise<CampaignAnswer> {
    const at = this.now();
    const answer = kind === 'batch' ? failed('1000') : await this.inTurn(() => this.call(personId, campaignId, fate));
    const { id, name, mappings } = this.webhook;
    this.activities.webhookCalled({
      personId,
      campaignId,
      at,
      webhook: { id, name },
      ...(answer.error === null ? {} : { error: answer.error }),
      ...(answer.body === null ? {} : { response: JSON.stringify(answer.body) }),
    });
    const person = this.people.get(personId);
    if (person && answer.error === null) {
      for (const { attribute, field } of mappings.filter((one) => MAPPED_ATTRIBUTE.test(one.attribute))) {
        const value = answer.body?.[attribute];
        if (value !== undefined) person[field] = value as string;
      }
    }
    return answer;
  }

  private async inTurn<T>(act: () => Promise<T>): Promise<T> {
    if (this.underWay >= CONCURRENCY) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.underWay++;
    this.highest = Math.max(this.highest, this.underWay);
    try {
      return await act();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.underWay--;
    }
  }

  private async call(personId: number, campaignId: number, fate: CallFate): Promise<CampaignAnswer> {
    if (fate === 'lost') return failed('Connection reset');
    const { url, headers, encoding, template } = this.webhook;
    const body = rendered(template, this.people.get(personId)!, campaignId, encoding);
    const type = encoding === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
    let status: number;
    let reason: string;
    let text: string;
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': type, ...headers },
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      [status, reason, text] = [response.status, response.statusText, await response.text()];
    } catch (error) {
      return failed((error as Error).name === 'TimeoutError' ? 'Read timed out' : 'Connection refused');
    }
    if (fate === 'answer-lost') return failed('Read timed out');
    const read = objectIn(text);
    if (status < 200 || status > 299) return { status, body: read, error: reason };
    return text === '' ? { status, body: null, error: '1001' } : { status, body: read, error: null };
  }
}

const failed = (error: string): CampaignAnswer => ({ status: null, body: null, error });

/** Tokens as Marketo replaces them. With JSON encoding it adds the quotes itself; unknown tokens stay as they are. */
function rendered(template: string, person: FakePerson, campaignId: number, encoding: WebhookDefinition['encoding']): string {
  const tokens: Record<string, string | number | null> = {
    'lead.Email Address': person['email'] as string,
    'lead.Full Name': [person['firstName'], person['lastName']].filter(Boolean).join(' '),
    'lead.Id': String(person.id),
    'lead.Job Title': person['title'] as string,
    'lead.Comments': person['comments'] as string,
    'company.Company Name': person['company'] as string,
    'campaign.id': campaignId,
  };
  return template.replaceAll(/\{\{([^}]+)\}\}/g, (token, name: string) => {
    if (!(name in tokens)) return token;
    const value = tokens[name];
    if (encoding === 'json') return JSON.stringify(value ?? null);
    return encoding === 'form' ? encodeURIComponent(String(value ?? '')) : String(value ?? '');
  });
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}
