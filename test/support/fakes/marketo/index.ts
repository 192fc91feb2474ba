import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Activities } from './activities.js';
import { BulkExports, type BulkAnswer } from './bulk-exports.js';
import { MESSAGES, PASSING_FAULTS, type MarketoFault, type PlannedFault } from './faults.js';
import { parsed, send, textOf, type Answer } from './exchange.js';
import { Limits, MARKETO_LIMITS, type LimitSettings } from './limits.js';
import { People } from './people.js';
import { TriggerCampaigns, type WebhookDefinition } from './trigger-campaigns.js';

export const FAKE_MARKETO_ID = 'fake-client-id';
export const FAKE_MARKETO_SECRET = 'fake-client-secret';

const API_USER = 'apis@example.com';

export interface FakeMarketoOptions {
  port?: number;
  /** The clock of limits, tokens and activities; default: the system's. */
  now?: () => number;
  limits?: Partial<LimitSettings>;
  tokenSeconds?: number;
  latencyMs?: number;
  pageSize?: number;
}

/** One request as it came, for assertions. */
export interface SeenCall {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  authorization: string | undefined;
  range: string | undefined;
}

/**
 * Marketo's REST API as far as this service speaks it: identity, describe, leads, activities, bulk extracts, usage.
 * The shapes are those of the swagger files and pages of https://github.com/AdobeDocs/marketo-developer.en.
 */
export class FakeMarketo {
  readonly people = new People();
  readonly activities: Activities;
  readonly limits: Limits;
  readonly exports: BulkExports;
  /** Calls below /rest and /bulk; calls of identity are counted apart. */
  readonly calls: SeenCall[] = [];
  tokensIssued = 0;
  identityCalls = 0;
  /** What identity answers to wrong credentials: the documentation does not give this body. */
  refusedLogin: Answer = { status: 401, body: { error: 'unauthorized', error_description: 'No client with requested id' } };
  /** Calls of the day by other integrations. */
  othersUsed = 0;
  /** Permissions that the API user lacks: paths, with or without the method before them, that answer 603. */
  denied: RegExp | null = null;
  latencyMs: number;
  url = '';
  private readonly planned: PlannedFault[] = [];
  private random: { rate: number; faults: readonly MarketoFault[]; next: () => number } | null = null;
  private token = { value: '', expiresAt: 0 };
  private isDown = false;
  private readonly server: Server;
  private readonly now: () => number;

  private constructor(private readonly options: FakeMarketoOptions) {
    this.now = options.now ?? Date.now;
    this.activities = new Activities(this.now);
    this.exports = new BulkExports(this.activities, this.now);
    this.limits = new Limits({ ...MARKETO_LIMITS, ...options.limits }, this.now);
    this.latencyMs = options.latencyMs ?? 0;
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  static async start(options: FakeMarketoOptions = {}): Promise<FakeMarketo> {
    const fake = new FakeMarketo(options);
    await new Promise<void>((resolve) => fake.server.listen(options.port ?? 0, '127.0.0.1', resolve));
    fake.url = `http://127.0.0.1:${(fake.server.address() as AddressInfo).port}`;
    return fake;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The next `times` requests whose path matches meet the fault. */
  failNext(fault: MarketoFault, times = 1, path = /^\/rest\//, method?: string): void {
    this.planned.push({ fault, times, path, method });
  }

  /** Faults that no request has met. */
  forgetFaults(): void {
    this.planned.length = 0;
  }

  /** That share of the requests meets one of the faults, in an order that depends on the seed only. */
  sometimes(rate: number, seed = 1, faults: readonly MarketoFault[] = PASSING_FAULTS): void {
    let state = seed;
    const next = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
    this.random = rate > 0 ? { rate, faults, next } : null;
  }

  /** While it is down, each connection is closed at once. */
  down(isDown: boolean): void {
    this.isDown = isDown;
  }

  /** 601 for the token in use; the next one is good. */
  revokeToken(): void {
    this.token = { value: '', expiresAt: 0 };
  }

  get tokenExpiresAt(): number {
    return this.token.expiresAt;
  }

  /** 602 for the token in use. */
  expireToken(): void {
    this.token.expiresAt = 0;
  }

  /** Merges two people: what the log has of the loser becomes the winner's. */
  merge(loserId: number, winnerId: number): void {
    this.people.merge(loserId, winnerId);
    for (const activity of this.activities.all) if (activity.leadId === loserId) activity.leadId = winnerId;
  }

  /** Campaigns that call a webhook, as Marketo's flow does. */
  campaigns(webhook: Partial<WebhookDefinition> & Pick<WebhookDefinition, 'url'>): TriggerCampaigns {
    return new TriggerCampaigns(this.people, this.activities, this.now, webhook);
  }

  callsOf(path: string | RegExp): SeenCall[] {
    return this.calls.filter((call) => (typeof path === 'string' ? call.path === path : path.test(call.path)));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isDown) return void request.socket.destroy();
    const url = new URL(request.url ?? '/', this.url);
    const text = await textOf(request).catch(() => '');
    if (url.pathname === '/identity/oauth/token') return send(response, this.identity(url.searchParams, text));
    this.limits.began();
    try {
      const call: SeenCall = {
        method: request.method ?? 'GET',
        path: url.pathname,
        query: url.searchParams,
        body: parsed(text),
        authorization: request.headers.authorization,
        range: request.headers.range,
      };
      this.calls.push(call);
      if (this.latencyMs > 0) await sleep(this.latencyMs);
      const fault = this.faultFor(call);
      if (!fault) return send(response, this.answer(call, text));
      await this.fail(fault, call, text, request, response);
    } finally {
      this.limits.ended();
    }
  }

  private usageByUser() {
    const others = this.othersUsed > 0 ? [{ userId: 'sync@example.com', count: this.othersUsed }] : [];
    return [{ userId: API_USER, count: this.limits.used }, ...others];
  }

  private async fail(fault: MarketoFault, call: SeenCall, text: string, request: IncomingMessage, response: ServerResponse) {
    if (fault.kind === 'code-after' || fault.kind === 'body' || (fault.kind === 'drop' && fault.after)) this.answer(call, text);
    switch (fault.kind) {
      case 'code':
      case 'code-after':
        return send(response, failure(fault.code, 'message' in fault ? fault.message : undefined));
      case 'status':
        response.writeHead(fault.status, { 'content-type': 'text/html' }).end(fault.body ?? '');
        return;
      case 'html':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Maintenance</body></html>');
        return;
      case 'body':
        return send(response, { status: 200, body: fault.body });
      case 'drop':
        return void request.socket.destroy();
      case 'hang':
        await new Promise((resolve) => request.socket.once('close', resolve));
    }
  }

  private faultFor({ path, method }: SeenCall): MarketoFault | null {
    const index = this.planned.findIndex((one) => one.path.test(path) && (one.method ?? method) === method);
    if (index >= 0) {
      const one = this.planned[index]!;
      if (--one.times === 0) this.planned.splice(index, 1);
      return one.fault;
    }
    const { random } = this;
    if (!random || random.next() >= random.rate) return null;
    return random.faults[Math.floor(random.next() * random.faults.length)]!;
  }

  private identity(query: URLSearchParams, form: string): Answer {
    this.identityCalls++;
    const given = new URLSearchParams([...query, ...new URLSearchParams(form)]);
    if (given.get('client_id') !== FAKE_MARKETO_ID || given.get('client_secret') !== FAKE_MARKETO_SECRET)
      return this.refusedLogin;
    // Asked again before it expires, identity answers the same token with the time that it has left.
    if (this.token.expiresAt <= this.now()) {
      this.tokensIssued++;
      this.token = { value: `${randomUUID()}:int`, expiresAt: this.now() + (this.options.tokenSeconds ?? 3600) * 1000 };
    }
    const seconds = Math.floor((this.token.expiresAt - this.now()) / 1000);
    const body = { access_token: this.token.value, token_type: 'bearer', expires_in: seconds, scope: API_USER };
    return { status: 200, body };
  }

  private answer(call: SeenCall, text: string): Answer {
    if (Buffer.byteLength(text) > 1_048_576) return { status: 413, body: '' };
    if (call.path.length + call.query.toString().length > 8192) return { status: 414, body: '' };
    const token = /^Bearer (.+)$/.exec(call.authorization ?? '')?.[1];
    if (token === undefined || token !== this.token.value) return failure('601');
    if (this.token.expiresAt <= this.now()) return failure('602');
    const limit = this.limits.enter();
    if (limit) return failure(limit);
    if (this.denied?.test(call.path) || this.denied?.test(`${call.method} ${call.path}`)) return failure('603');
    return this.route(call);
  }

  private route({ method, path, query, body, range }: SeenCall): Answer {
    const override = query.get('_method');
    const get = (override ?? method) === 'GET';
    const form = override ? new URLSearchParams(String(body)) : query;
    if (path === '/rest/v1/leads.json' && !get) return syncAnswer(this.people.sync(body));
    if (path === '/rest/v1/leads.json') {
      const values = (form.get('filterValues') ?? '').split(',');
      if (values.length > 300) return failure('1003', 'Too many values in filterValues');
      const fields = (form.get('fields') ?? 'id,email,firstName,lastName').split(',');
      const unknown = fields.find((name) => !this.people.fields.some((field) => field.name === name));
      if (unknown) return failure('1006', `Field '${unknown}' not found`);
      if (this.people.endlessPages) return success({ result: [], nextPageToken: 'more' });
      const found = this.people.find(form.get('filterType') ?? 'id', values);
      return success({
        result: found.map((one) => Object.fromEntries(['id', ...fields].map((name) => [name, one[name] ?? null]))),
      });
    }
    if (path === '/rest/v1/leads/describe.json') return success({ result: this.people.describe() });
    if (path === '/rest/v1/activities/types.json') return success({ result: this.activities.types });
    if (path === '/rest/v1/activities/pagingtoken.json') {
      const since = Date.parse(query.get('sinceDatetime') ?? '');
      return Number.isNaN(since) ? failure('704') : success({ nextPageToken: this.activities.tokenSince(since) });
    }
    if (path === '/rest/v1/activities.json') {
      const types = (query.get('activityTypeIds') ?? '').split(',').map(Number);
      const size = Math.min(300, this.options.pageSize ?? 300, Number(query.get('batchSize') ?? 300));
      const page = this.activities.page(query.get('nextPageToken') ?? '', types, size);
      return page ? success(page) : failure('1003', 'Invalid paging token');
    }
    const [, id = '', act = ''] = /^\/bulk\/v1\/activities\/export\/(?:([^/]+)\/)?(\w+)\.json$/.exec(path) ?? [];
    if (act === 'create' && !get) return bulkAnswer(this.exports.create(body));
    if (act === 'enqueue' && !get) return bulkAnswer(this.exports.enqueue(id));
    if (act === 'status') return bulkAnswer(this.exports.status(id));
    if (act === 'file') {
      const file = this.exports.file(id, range);
      return file
        ? { ...file, type: 'text/csv', cut: this.exports.cutNext-- > 0 }
        : { status: 404, body: 'File not found', type: 'text/plain' };
    }
    if (path === '/rest/v1/stats/usage.json') {
      return success({
        result: [{ date: this.limits.today, total: this.limits.used + this.othersUsed, users: this.usageByUser() }],
      });
    }
    return failure('610');
  }
}

const requestId = () => `${randomUUID().slice(0, 4)}#${randomUUID().slice(0, 11).replace('-', '')}`;

function success(body: Record<string, unknown>): Answer {
  return { status: 200, body: { requestId: requestId(), success: true, ...body } };
}

function failure(code: string, message = MESSAGES[code] ?? 'Unknown'): Answer {
  return { status: 200, body: { requestId: requestId(), success: false, errors: [{ code, message }] } };
}

function bulkAnswer(answer: BulkAnswer): Answer {
  return 'code' in answer ? failure(answer.code, answer.message) : success(answer);
}

function syncAnswer(result: ReturnType<People['sync']>): Answer {
  return Array.isArray(result) ? success({ result }) : failure(result.code, result.message);
}
