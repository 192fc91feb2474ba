import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { recordError, RequestRefused, singleBody, type RecordError } from './errors.js';
import { FaultPlan, type SalesforceFaultKind, type SalesforceFaults } from './faults.js';
import type { ObjectName } from './ids.js';
import { OAuth } from './oauth.js';
import { Org, type Access, type DuplicateMatcher, type MemberStatusSpec, type Rule, type WriteObserver } from './org.js';
import { QueryEngine } from './query.js';
import { field } from './schema.js';
import { answer, type ApiAnswer, type Instance } from './resources.js';

export { ALL_SALESFORCE_FAULTS, type SalesforceFaultKind, type SalesforceFaults } from './faults.js';
export { recordError } from './errors.js';
export { INTEGRATION_USER, SALES_USERS } from './org.js';

export interface SalesforceFakeOptions {
  port?: number;
  clientId?: string;
  clientSecret?: string;
  /** PEM of the certificate's public key, for the JWT bearer flow. */
  publicKey?: string;
  username?: string;
  /** API calls per day; token calls are not counted. */
  dailyLimit?: number;
  /** Duration of a call, during which a write holds its rows. Two writes overlap only if this is above 0. */
  latencyMs?: number;
  sessionSeconds?: number;
  /** Matches e-mails of Leads and Contacts. allowSave=true passes `alert`; nothing passes `block`. */
  duplicateRule?: 'off' | 'alert' | 'block';
  /** Answers `duplicateResut`, as most orgs do. */
  misspellDuplicateResult?: boolean;
  /** False: an error in collections has DUPLICATES_DETECTED without the records. */
  duplicateDetailsInCollections?: boolean;
  /** Enforces the shipped validation rule on RF_Version__c. */
  versionRule?: boolean;
  custom?: 'installed' | 'missing';
  /** An active Lead assignment rule: assigns the Lead to sales on each write without Sforce-Auto-Assign: FALSE. */
  assignmentRule?: boolean;
  /** Enforces the shipped validation rule on RF_Person_Key__c. */
  keyRule?: boolean;
  /** False: RF_Person_Key__c is an external id, but not unique. */
  personKeyUnique?: boolean;
}

export interface RecordedCall {
  method: string;
  /** Includes the query string. */
  path: string;
  /** 0 where the connection closed without an answer. */
  status: number;
  /** Epoch milliseconds. */
  at: number;
}

/** An answer as it goes over the wire. `cut`: the connection closes after the body, which is said to be longer. */
export interface WireAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
  cut?: boolean;
}

export const FAKE_CLIENT_ID = '3MVG9fakeConnectedApp';
export const FAKE_CLIENT_SECRET = 'fake-consumer-secret-0123456789abcdef';
export const FAKE_USERNAME = 'integration@revenueflow.example';

/** The oldest and the newest supported API version. Another one is answered 404, as by Salesforce. */
const VERSIONS = { oldest: 31, newest: 68 };
/** URI and headers together (Salesforce's documented limit); more is answered 414. */
const LONGEST_URI = 16_384;

export function startSalesforceFake(options: SalesforceFakeOptions = {}): Promise<SalesforceFake> {
  return SalesforceFake.start(options);
}

/**
 * A Salesforce org behind real HTTP. It enforces only what Salesforce enforces, so duplicates are possible: the
 * external id is unique, the e-mail is not.
 */
export class SalesforceFake {
  private readonly org: Org;
  private readonly oauth: OAuth;
  private readonly faults = new FaultPlan();
  private readonly instance: Instance;
  private readonly log: RecordedCall[] = [];
  private used = 0;
  private largestBody = Infinity;
  private afterPost: () => void = () => {};
  private answerInstead: (path: string, body: string) => WireAnswer | null = () => null;
  private alterAnswer: (path: string, answered: unknown) => unknown = (_, answered) => answered;
  private readonly dailyLimit: number;

  private constructor(
    options: SalesforceFakeOptions,
    private readonly server: Server,
  ) {
    this.dailyLimit = options.dailyLimit ?? 100_000;
    this.org = new Org({
      custom: options.custom ?? 'installed',
      versionRule: options.versionRule ?? true,
      duplicateRule: options.duplicateRule ?? 'off',
      assignmentRule: options.assignmentRule ?? true,
      personKeyUnique: options.personKeyUnique ?? true,
      keyRule: options.keyRule ?? true,
      latencyMs: options.latencyMs ?? 0,
    });
    this.oauth = new OAuth({
      clientId: options.clientId ?? FAKE_CLIENT_ID,
      clientSecret: options.clientSecret ?? FAKE_CLIENT_SECRET,
      publicKey: options.publicKey,
      username: options.username ?? FAKE_USERNAME,
      sessionSeconds: options.sessionSeconds ?? 7200,
    });
    this.instance = {
      org: this.org,
      queries: new QueryEngine(this.org),
      misspellDuplicateResult: options.misspellDuplicateResult ?? true,
      duplicateDetailsInCollections: options.duplicateDetailsInCollections ?? true,
      limits: () => ({ max: this.dailyLimit, remaining: Math.max(0, this.dailyLimit - this.used) }),
    };
  }

  static async start(options: SalesforceFakeOptions): Promise<SalesforceFake> {
    const server = createServer({ maxHeaderSize: 4 * LONGEST_URI });
    const fake = new SalesforceFake(options, server);
    server.on('request', (request, response) => void fake.serve(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, process.env['FAKES_HOST'] ?? '127.0.0.1', resolve);
    });
    return fake;
  }

  /** Login URL and instance URL are the same. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** Records that are not in the recycle bin, with all their fields. */
  leads = (): Record<string, unknown>[] => this.org.store.live('Lead');
  contacts = (): Record<string, unknown>[] => this.org.store.live('Contact');
  members = (): Record<string, unknown>[] => this.org.store.live('CampaignMember');
  campaigns = (): Record<string, unknown>[] => this.org.store.live('Campaign');
  calls = (): RecordedCall[] => [...this.log];
  /** Calls counted against the daily limit since the start or `setDailyUsed`. */
  apiCalls = (): number => this.used;

  addLead = (fields: Record<string, unknown> = {}): string => this.org.seed('Lead', fields);
  addContact = (fields: Record<string, unknown> = {}): string => this.org.seed('Contact', fields);
  addCampaign = (fields: Record<string, unknown> = {}): string => this.org.seed('Campaign', fields);
  addMember = (fields: Record<string, unknown>): string => this.org.seed('CampaignMember', fields);
  /** Converts a Lead. @returns the id of the Contact that replaces it. */
  convertLead = (id: string, contactId?: string, opportunityId?: string): string =>
    this.org.convertLead(id, contactId, opportunityId);
  addOpportunity = (fields: Record<string, unknown> = {}): string => this.org.seed('Opportunity', fields);
  addAccount = (fields: Record<string, unknown> = {}): string => this.org.seed('Account', fields);
  addUser = (fields: Record<string, unknown> = {}): string => this.org.seed('User', fields);
  /** A Task or Event on a Lead or Contact, entered by a user of sales or by `CreatedById`. */
  addTask = (WhoId: string, fields: Record<string, unknown> = {}): string => this.org.seed('Task', { WhoId, ...fields });
  addEvent = (WhoId: string, fields: Record<string, unknown> = {}): string => this.org.seed('Event', { WhoId, ...fields });
  closeOpportunity = (id: string, won: boolean): void => this.org.closeOpportunity(id, won);
  /** A change that becomes visible now, with a SystemModstamp of then (milliseconds since 1970). */
  commitLate = (id: string, fields: Record<string, unknown>, at: number): void => this.org.commitLate(id, fields, at);
  /** The org's clock, for what happened in the past. */
  setClock = (now: () => number): void => void (this.org.store.now = now);
  /** An org with several currencies has a field for them. */
  enableCurrencies = (): void =>
    void this.org.store.schema.Opportunity.set('CurrencyIsoCode', field('CurrencyIsoCode', 'string', { length: 3 }));
  deleteRecord = (id: string): void => this.org.deleteRecord(id);
  mergeLeads = (winnerId: string, loserId: string): void => this.org.mergeLeads(winnerId, loserId);

  mergeContacts = (winnerId: string, loserId: string): void => this.org.mergeContacts(winnerId, loserId);
  undeleteRecord = (id: string): void => this.org.undeleteRecord(id);
  /** A change by a user of the org, to which no rule applies. */
  changeRecord = (id: string, fields: Record<string, unknown>): void => this.org.changeRecord(id, fields);
  /** As `changeRecord`, by a user who waits for the row. @returns false while an API call holds it. */
  changeFreeRecord = (id: string, fields: Record<string, unknown>): boolean => this.org.changeFreeRecord(id, fields);
  recordOf = (id: string): Readonly<Record<string, unknown>> | undefined => this.org.store.get(id);
  /** Replaces Sent and Responded. */
  setMemberStatuses = (campaignId: string, ...statuses: MemberStatusSpec[]): void =>
    this.org.setMemberStatuses(campaignId, statuses);

  expireSessions = (): void => this.oauth.expireSessions();
  revokeTokens = (revoked = true): void => this.oauth.revoke(revoked);
  setFaults = (faults: SalesforceFaults): void => this.faults.set(faults);
  /** The faults of the coming API calls, one each. */
  failNext = (...kinds: (SalesforceFaultKind | null)[]): void => this.faults.next(...kinds);
  /** Runs after a call that may write, before its answer is sent: a change by an admin between two calls. */
  afterEachPost = (act: () => void): void => void (this.afterPost = act);
  /** The fault of each token request from now on. */
  failTokens = (kind: SalesforceFaultKind | null): void => void (this.faults.token = kind);
  /** Answers of Salesforce, or of what stands before it, to some requests (tokens too); null: as usual. */
  answerWith = (answerOf: (path: string, body: string) => WireAnswer | null): void => void (this.answerInstead = answerOf);
  /** Changes the bodies of API answers. */
  alterAnswers = (alter: (path: string, answered: unknown) => unknown): void => void (this.alterAnswer = alter);
  setDailyUsed = (used: number): void => void (this.used = used);
  setLatency = (ms: number): void => void (this.org.settings.latencyMs = ms);
  setDuplicateRule = (rule: 'off' | 'alert' | 'block'): void => void (this.org.settings.duplicateRule = rule);

  /** A duplicate rule that matches more than the address, e.g. name and company. */
  setDuplicateMatcher = (matcher: DuplicateMatcher): void => void (this.org.duplicateMatcher = matcher);
  observeWrites = (observer: WriteObserver): void => void (this.org.onWrite = observer);
  /** Adds a validation rule, trigger or flow. */
  addRule = (object: ObjectName, rule: Rule): void => this.org.addRule(object, rule);
  /** The object's trigger fails each record of a call with more than `most` records. */
  limitTrigger = (object: ObjectName, most: number, error?: RecordError): void => this.org.limitTrigger(object, most, error);
  /** The object's trigger throws on such a record, which fails each record of the call. */
  throwInTrigger = (object: ObjectName, spoils: (values: Record<string, unknown>) => boolean, error: RecordError): void =>
    void this.org.triggerExceptions.set(object, { spoils, error });
  /** The users (005…) or queues (00G…) to which the assignment rule assigns Leads, in turn. */
  setAssignees = (ids: readonly string[]): void => void (this.org.assignees = ids);
  deactivateUser = (id: string): void => void this.org.inactiveUsers.add(id);
  /** With person accounts a Lead needs no Company. */
  /** A field that the admin of the org added. */
  addField = (object: ObjectName, ...[name, type, more]: Parameters<typeof field>): void =>
    void this.org.store.schema[object].set(name, field(name, type, more));
  enablePersonAccounts = (): void => void (this.org.store.schema.Lead.get('Company')!.nillable = true);
  makePicklist = (object: ObjectName, name: string, picklist: string[]): void => {
    const spec = this.org.store.schema[object].get(name)!;
    this.org.store.schema[object].set(name, { ...spec, type: 'picklist', picklist, restrictedPicklist: true });
  };
  /** A gateway before the org answers larger bodies with 413. */
  setLargestBody = (bytes: number): void => void (this.largestBody = bytes);

  /** Adds a required field to Lead, as an admin could. */
  addRequiredField = (name: string): void => this.org.addRequiredField(name);
  removeField = (object: ObjectName, name: string): void => this.org.removeField(object, name);
  /** What the integration user may do with an object (`Lead`) or a field (`Lead.RF_Fit_Score__c`). */
  setPermission = (target: string, access: Access): void => this.org.setAccess(target, access);
  lockRows = (ids: string[], times: number): void => this.org.lockRows(ids, times);

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call: RecordedCall = { method: request.method ?? '', path: request.url ?? '', status: 0, at: Date.now() };
    this.log.push(call);
    const reply = (status: number, body: unknown, type = 'application/json;charset=UTF-8') => {
      if (response.destroyed) return;
      call.status = status;
      response.writeHead(status, { 'content-type': type, 'sforce-limit-info': `api-usage=${this.used}/${this.dailyLimit}` });
      response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    };
    try {
      const body = await read(request);
      const token = call.path.startsWith('/services/oauth2/token');
      const instead = this.answerInstead(call.path, body);
      if (instead) {
        call.status = instead.status;
        return send(response, instead);
      }
      if (this.faults.down === 'refuse') return void request.socket.destroy();
      if (this.faults.down === '503') return reply(503, unavailable());
      const fault = this.faults.draw(token ? 'token' : 'api');
      if (fault === 'hang') return;
      if (fault === 'drop') return void request.socket.destroy();
      if (fault === 'html') return reply(502, '<html><body><h1>502 Bad Gateway</h1></body></html>', 'text/html');
      if (fault === 'maintenance') return reply(200, MAINTENANCE, 'text/html');
      if (fault === 'maintenance-redirect') {
        response.setHeader('location', '/maintenance.html');
        return reply(302, '', 'text/html');
      }
      if (fault === 'empty') return reply(200, '');
      if (fault === 'truncated') return reply(200, '{"access_token":"00D', 'application/json');
      if (call.path.startsWith('/maintenance.html')) return reply(200, MAINTENANCE, 'text/html');
      if (body.length > this.largestBody) return reply(413, '<html>413 Request Entity Too Large</html>', 'text/html');
      if (fault === '500') return reply(500, unexpected());
      if (fault === '503') return reply(503, unavailable());
      if (fault === 'slow') await pause(this.faults.slowMs);
      if (token) {
        const { status, body: granted } = this.token(request, body);
        return reply(status, granted);
      }
      const { status, body: answered } = await this.api(request, body, fault);
      if (request.method !== 'GET') this.afterPost();
      if (fault === 'drop-after') return void request.socket.destroy();
      reply(status, this.alterAnswer(call.path, answered));
    } catch (error) {
      if (error instanceof RequestRefused) {
        const { code, message, fields } = error;
        return reply(error.status, [{ message, errorCode: code, ...(fields ? { fields } : {}) }]);
      }
      if (request.destroyed && !request.complete) return;
      // A bug of the fake must be visible in the test that met it.
      console.error('the fake Salesforce failed', error);
      reply(500, unexpected());
    }
  }

  private token(request: IncomingMessage, body: string): { status: number; body: Record<string, string> } {
    if (request.method !== 'POST') throw new RequestRefused(405, 'METHOD_NOT_ALLOWED', 'Only POST gives tokens.');
    return this.oauth.answer(new URLSearchParams(body), this.url, request.headers.authorization);
  }

  private async api(request: IncomingMessage, body: string, fault: SalesforceFaultKind | null): Promise<ApiAnswer> {
    const raw = request.url ?? '/';
    if (raw.length > LONGEST_URI) throw new RequestRefused(414, 'URI_TOO_LONG', 'URI Too Long');
    const { pathname, searchParams } = new URL(raw, this.url);
    if (/^\/services\/data\/?$/.test(pathname)) return { status: 200, body: versions() };
    const [, versionText, rest] = /^\/services\/data\/v(\d+)\.0\/(.+)$/.exec(pathname) ?? [];
    const version = Number(versionText);
    if (fault === 'session' || !this.oauth.accepts(request.headers.authorization))
      throw new RequestRefused(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
    if (rest === undefined || version < VERSIONS.oldest || version > VERSIONS.newest)
      throw new RequestRefused(404, 'NOT_FOUND', 'The requested resource does not exist');
    if (this.used >= this.dailyLimit) throw new RequestRefused(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
    if (fault === 'concurrent-limit')
      throw new RequestRefused(403, 'REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.');
    this.used++;
    // A write takes its time later, while it holds its rows.
    if (request.method === 'GET') await pause(this.org.settings.latencyMs);
    return answer(this.instance, {
      method: request.method ?? '',
      version,
      path: rest.replace(/\/$/, '').split('/').map(decode),
      query: searchParams,
      headers: request.headers,
      body,
      lockOf: () => (fault === 'lock' ? this.faults.drawLock() : null),
    });
  }
}

function send(response: ServerResponse, { status, headers = {}, body = '', cut = false }: WireAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', ...headers });
  if (!cut) return void response.end(body);
  response.write(body);
  setImmediate(() => response.destroy());
}

const MAINTENANCE = '<html><body>We are down for maintenance.</body></html>';

const pause = (ms: number): Promise<void> => (ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve());

const unavailable = () =>
  singleBody([recordError('SERVER_UNAVAILABLE', 'Server is unavailable. Please try again later.')], false);

const unexpected = () =>
  singleBody(
    [
      recordError(
        'UNKNOWN_EXCEPTION',
        'An unexpected error occurred. Please include this ErrorId if you contact support: 1234-5678 (9)',
      ),
    ],
    false,
  );

const versions = () =>
  Array.from({ length: VERSIONS.newest - VERSIONS.oldest + 1 }, (_, at) => ({
    label: `Version ${VERSIONS.oldest + at}`,
    url: `/services/data/v${VERSIONS.oldest + at}.0`,
    version: `${VERSIONS.oldest + at}.0`,
  }));

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RequestRefused(404, 'NOT_FOUND', 'The requested resource does not exist');
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
