import { pino } from 'pino';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import type { LeadInput } from '../../src/domain/lead.js';
import { acceptLead } from '../../src/ingress/accept-lead.js';
import { parseLead } from '../../src/ingress/parse-lead.js';
import { MarketoCallsRepository } from '../../src/ledger/marketo-calls.repository.js';
import { MarketoErasuresRepository } from '../../src/ledger/marketo-erasures.repository.js';
import { MarketoExtractsRepository } from '../../src/ledger/marketo-extracts.repository.js';
import { MarketoIdentitiesRepository } from '../../src/ledger/marketo-identities.repository.js';
import { MarketoRepairsRepository } from '../../src/ledger/marketo-repairs.repository.js';
import { MarketoRunsRepository } from '../../src/ledger/marketo-runs.repository.js';
import { MarketoStagesRepository, type MarketoStage } from '../../src/ledger/marketo-stages.repository.js';
import { MarketoUpdatesRepository } from '../../src/ledger/marketo-updates.repository.js';
import { MarketoApi } from '../../src/marketo/client/marketo-api.js';
import { MarketoClient } from '../../src/marketo/client/marketo-client.js';
import { DEFAULT_FIELD_MAP, type FieldMap } from '../../src/marketo/field-map.js';
import { MarketoBreaker } from '../../src/marketo/marketo-breaker.js';
import { acceptRepair } from '../../src/marketo/reconciliation/accept-repair.js';
import { ReconciliationPoller, type ReconciliationOptions } from '../../src/marketo/reconciliation/reconciliation.poller.js';
import { WriteBackPoller, type WriteBackOptions } from '../../src/marketo/write-back/write-back.poller.js';
import { UNLIMITED } from '../../src/platform/concurrency/rate-limiter.port.js';
import { openPool } from '../../src/platform/database/pool.js';
import { freshDatabase } from './database.js';
import { FAKE_MARKETO_ID, FAKE_MARKETO_SECRET, FakeMarketo, type FakeMarketoOptions } from './fakes/marketo/index.js';
import { ledgerOn } from './ledger.js';

const score = (fitScore: number): Enrichment => ({
  fitScore,
  intent: fitScore >= 50 ? 'high' : 'low',
  confidence: 1,
  evidence: [{ signal: 'a test', polarity: 'neutral', points: fitScore }],
  reasoning: `Scored ${fitScore}.`,
  scoreSource: 'heuristic',
  needsRescore: false,
  flags: [],
  provider: 'heuristic',
  scorerVersion: '1',
});

/** Makes `count` things, some at a time. */
export async function inChunks<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let from = 0; from < count; from += 200) {
    made.push(...(await Promise.all(Array.from({ length: Math.min(200, count - from) }, (_, n) => make(from + n)))));
  }
  return made;
}

/** A ledger, a fake Marketo, and the pollers between them as one process has them. Polls are made by the test. */
export async function marketoWorld(options: FakeMarketoOptions = {}) {
  const fake = await FakeMarketo.start(options);
  const database = await freshDatabase();
  const pool = openPool({ url: database.url, max: 8, timeoutMs: 10_000, name: 'test' });
  const ledger = ledgerOn(pool);
  const parts = {
    stages: new MarketoStagesRepository(ledger.database),
    updates: new MarketoUpdatesRepository(ledger.database),
    extracts: new MarketoExtractsRepository(ledger.database),
    identities: new MarketoIdentitiesRepository(ledger.database),
    erasures: new MarketoErasuresRepository(ledger.database),
    repairs: new MarketoRepairsRepository(ledger.database, { CONTENT_IGNORE: [] }),
    runs: new MarketoRunsRepository(ledger.database),
    calls: new MarketoCallsRepository(ledger.database, { CONTENT_IGNORE: [] }),
  };
  const logger = pino({ level: 'silent' });
  const publisher = { publish: () => {} };
  const accept = async (input: LeadInput) => (await acceptLead({ ledger: ledger.intake, publisher }, input)).status;

  function processOf(worker: string) {
    const client = new MarketoClient({
      baseUrl: fake.url,
      clientId: FAKE_MARKETO_ID,
      clientSecret: FAKE_MARKETO_SECRET,
      rateLimiter: UNLIMITED,
      now: Date.now,
      timeoutAtMostMs: 2000,
      concurrencyWaitMs: 1,
    });
    const breaker = (stage: MarketoStage) =>
      new MarketoBreaker({ stage, stages: parts.stages, worker, leaseMs: 60_000, baseMs: 1, logger });
    return { api: new MarketoApi(client), breaker };
  }

  return {
    fake,
    pool,
    ledger,
    ...parts,
    accept,
    writeBack(worker = 'one', more: Partial<WriteBackOptions> = {}) {
      const { api, breaker } = processOf(worker);
      return new WriteBackPoller({
        api,
        breaker: breaker('marketo-sync'),
        quota: { check: async () => {}, isLow: false },
        updates: parts.updates,
        identities: parts.identities,
        erasures: parts.erasures,
        fieldMap: DEFAULT_FIELD_MAP,
        withProbability: async (projection) => projection,
        erase: 'clear',
        windowMs: 0,
        holdMs: 0,
        now: Date.now,
        logger,
        ...more,
      });
    },
    reconciliation(worker = 'one', more: Partial<ReconciliationOptions> = {}) {
      const { api, breaker } = processOf(worker);
      return new ReconciliationPoller({
        api,
        breaker: breaker('marketo-reconciliation'),
        quota: { check: async () => {} },
        runs: parts.runs,
        extracts: parts.extracts,
        calls: parts.calls,
        identities: parts.identities,
        fieldMap: DEFAULT_FIELD_MAP as FieldMap,
        webhook: 'RevenueFlow',
        mode: 'repair',
        repairLimit: 1000,
        accept: (input, call) => acceptRepair({ repairs: parts.repairs, publisher }, input, call),
        extract: false,
        baseMs: 1,
        windowMs: 0,
        graceMs: 0,
        extractDelayMs: 0,
        lookEveryMs: 0,
        now: Date.now,
        logger,
        ...more,
      });
    },
    /** What the webhook's template sends of a person, taken in as the endpoint does. */
    async webhook(person: { id?: number; email: string; company?: string }, campaign: string | number = 987) {
      const { id, ...fields } = person;
      const body = { ...fields, campaign_id: campaign, ...(id === undefined ? {} : { marketo_id: id }) };
      await accept(parseLead(body));
      return leadIdOf(person.email, String(campaign));
    },
    /** The score of a lead that was just accepted. */
    async score(leadId: string, fitScore: number) {
      const { rows } = await pool.query<{ fence: string }>('SELECT fence FROM ledger.leads WHERE id = $1', [leadId]);
      await ledger.results.checkpoint(
        { id: leadId, fence: rows[0]!.fence, contentAt: new Date(), lowPriority: false },
        score(fitScore),
      );
    },
    async update(email: string) {
      const { rows } = await pool.query<{ state: string; last_code: string | null; marketo_id: string | null }>(
        "SELECT * FROM ledger.marketo_updates WHERE person_key = decode($1, 'hex')",
        [personKeyOf(email)],
      );
      return rows[0];
    },
    async close() {
      await pool.end();
      await database.drop();
      await fake.stop();
    },
  };
}

export type MarketoWorld = Awaited<ReturnType<typeof marketoWorld>>;
