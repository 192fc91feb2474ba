import { AppError } from '../../domain/app-error.js';
import type { Projection } from '../../ledger/lead-content-sql.js';
import type { MarketoErasuresRepository } from '../../ledger/marketo-erasures.repository.js';
import type { MarketoIdentitiesRepository } from '../../ledger/marketo-identities.repository.js';
import type { MarketoUpdatesRepository, OwedUpdate } from '../../ledger/marketo-updates.repository.js';
import { Poller } from '../../platform/concurrency/poller.js';
import type { Logger } from '../../platform/observability/logger.js';
import { RECORDS_PER_CALL, type MarketoApi, type MarketoField } from '../client/marketo-api.js';
import type { FieldMap } from '../field-map.js';
import { isUnsuited } from '../field-types.js';
import type { ApiQuota } from '../api-quota.js';
import type { MarketoBreaker } from '../marketo-breaker.js';
import { clearErased } from './clear-erased.js';
import { identifyPeople } from './identify-people.js';
import { callsOf, plan, writeApart, type PersonWrite } from './write-batch.js';

export interface WriteBackOptions {
  api: MarketoApi;
  breaker: MarketoBreaker;
  quota: Pick<ApiQuota, 'check' | 'isLow'>;
  updates: MarketoUpdatesRepository;
  identities: MarketoIdentitiesRepository;
  erasures: MarketoErasuresRepository;
  fieldMap: FieldMap;
  /** Adds the probability of conversion, where a calibration gives one. */
  withProbability(projection: Projection): Promise<Projection & { probability?: number }>;
  /** MARKETO_ERASE */
  erase: 'clear' | 'leave';
  /** How long the first person of a batch waits for others, in milliseconds. */
  windowMs?: number;
  /** How long a call whose answer did not come may still take effect in Marketo, in milliseconds. */
  holdMs?: number;
  everyMs?: number;
  now: () => number;
  logger: Logger;
}

const EVERY_MS = 1000;
/** Adobe asks for a queue with an age and a size limit. */
const WINDOW_MS = 2000;
const WINDOW_WHERE_LOW_MS = 60_000;
/** Marketo ends a Sync Leads call after 90 seconds. */
const HOLD_MS = 90_000;
const DESCRIBE_EVERY_MS = 3_600_000;
/** People read at a time: two full calls where all have an id, or one of each kind. */
const AT_ONCE = 2 * RECORDS_PER_CALL;
const WIDE_LOOK_EVERY_MS = 60_000;
const PRUNE_EVERY_MS = 60_000;
const PRUNED_AT_ONCE = 2000;

/**
 * Writes scores to Marketo: one process at a time, in batches by age and size. What is owed is in the ledger, so a
 * process that ends loses nothing; a call that is repeated writes the same values.
 */
export class WriteBackPoller {
  private readonly poller: Poller;
  private fields: { byName: Map<string, MarketoField>; until: number } | undefined;
  private prunedAt = 0;
  private wideLookAt = -Infinity;
  private pruneAfter = '';

  constructor(private readonly options: WriteBackOptions) {
    const { logger, everyMs = EVERY_MS } = options;
    this.poller = new Poller({
      everyMs,
      poll: (signal) => this.poll(signal),
      onError: (error, first) => {
        if (first) logger.warn({ err: error }, 'Scores cannot be written to Marketo now; it is tried again');
      },
      stopWithinMs: 2000,
    });
  }

  start(): void {
    this.poller.start();
  }

  async stop(): Promise<void> {
    await this.poller.stop();
    // A call that is still under way keeps the lease: another process must not write beside it.
    if (!this.poller.isPolling) await this.options.breaker.release();
  }

  /** @returns whether there may be more to do at once. */
  async poll(signal?: AbortSignal): Promise<boolean> {
    const { breaker, api, updates } = this.options;
    if (!(await breaker.enter())) return false;
    const more = await updates.collect(this.overlap());
    await this.prune();
    const before = api.calls;
    try {
      await this.clearErased(signal);
      return (await this.writeDue(signal)) || more;
    } catch (cause) {
      if (signal?.aborted) return false;
      const error = await breaker.failed(cause);
      // A field may have been created since.
      if (error.class === 'configuration') this.fields = undefined;
      return false;
    } finally {
      await breaker.count(api.calls - before);
    }
  }

  /** A wide look costs as much as all looks of a minute, so there is one per minute. */
  private overlap(): 'narrow' | 'wide' {
    const { now } = this.options;
    if (now() - this.wideLookAt < WIDE_LOOK_EVERY_MS) return 'narrow';
    this.wideLookAt = now();
    return 'wide';
  }

  private async writeDue(signal?: AbortSignal): Promise<boolean> {
    const { api, updates, identities, breaker, fieldMap, quota, windowMs = WINDOW_MS } = this.options;
    const { count, oldestMs } = await updates.due(RECORDS_PER_CALL);
    const window = quota.isLow ? WINDOW_WHERE_LOW_MS : windowMs;
    if (count === 0 || (count < RECORDS_PER_CALL && oldestMs < window)) return false;
    await quota.check(api, signal);
    const fields = await this.writableFields(signal);
    await identifyPeople({ api, identities }, AT_ONCE, signal);
    const { settled, writes, pruned } = plan(await this.taken(), fieldMap, fields);
    await updates.settle(settled);
    await updates.remove(pruned);
    const outcomes = await Promise.allSettled(callsOf(writes).map((people) => this.write(people, signal)));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) throw failure.reason;
    const written = outcomes.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 0), 0);
    await breaker.count(0, written);
    await breaker.succeeded();
    return count === RECORDS_PER_CALL;
  }

  private async taken(): Promise<OwedUpdate[]> {
    const { updates, withProbability } = this.options;
    const taken = await updates.take(AT_ONCE);
    return Promise.all(
      taken.map(async (update) => {
        const { projection } = update;
        return projection ? { ...update, projection: await withProbability(projection) } : update;
      }),
    );
  }

  /** @returns how many people were written. */
  private async write(people: PersonWrite[], signal?: AbortSignal): Promise<number> {
    const { api, updates, holdMs = HOLD_MS } = this.options;
    await updates.expect(people.map(({ update, fields }) => ({ personKey: update.personKey, fields: Object.keys(fields) })));
    try {
      return await writeApart(api, people, (settled) => updates.settle(settled), signal);
    } catch (cause) {
      // Newer values must not be overtaken by a call that Marketo is still executing.
      if (AppError.from(cause).code === 'MARKETO_OUTCOME_UNKNOWN') {
        await updates.hold(
          people.map(({ update }) => update.personKey),
          holdMs,
        );
      }
      throw cause;
    }
  }

  private async clearErased(signal?: AbortSignal): Promise<void> {
    const { api, erasures, erase, logger } = this.options;
    const due = await erasures.due(RECORDS_PER_CALL);
    if (due.length === 0) return;
    if (erase === 'leave') return erasures.finish(due.map(({ id }) => id));
    const fields = await this.describedFields(signal);
    await erasures.finish(await clearErased(api, due, fields, logger, signal));
  }

  private async describedFields(signal?: AbortSignal): Promise<Map<string, MarketoField>> {
    const { api, now } = this.options;
    if (!this.fields || this.fields.until <= now()) {
      const byName = new Map((await api.describeFields(signal)).map((field) => [field.name, field]));
      this.fields = { byName, until: now() + DESCRIBE_EVERY_MS };
    }
    return this.fields.byName;
  }

  /** @throws AppError MARKETO_MISCONFIGURED where the map names a field that cannot be written, or of another type. */
  private async writableFields(signal?: AbortSignal): Promise<Map<string, MarketoField>> {
    const { fieldMap } = this.options;
    const byName = await this.describedFields(signal);
    const names = fieldMap.person.filter(({ optional }) => !optional).map(({ to }) => to);
    const missing = names.filter((name) => !byName.has(name));
    const readOnly = names.filter((name) => byName.get(name)?.readOnly);
    const unsuited = fieldMap.person.flatMap((rule) => {
      const field = byName.get(rule.to);
      return field && isUnsuited(rule, field) ? [`${rule.to} (${field.dataType})`] : [];
    });
    if (missing.length + readOnly.length + unsuited.length > 0) {
      const problems = [
        ...(missing.length > 0 ? [`Marketo has no field ${missing.join(', ')}.`] : []),
        ...(readOnly.length > 0 ? [`The API cannot write ${readOnly.join(', ')}.`] : []),
        ...(unsuited.length > 0 ? [`The values do not fit the type of ${unsuited.join(', ')}.`] : []),
      ];
      const text = `${problems.join(' ')} Create the fields that \`npx revenueflow marketo check\` lists, or change MARKETO_FIELD_MAP.`;
      throw new AppError('MARKETO_MISCONFIGURED', text, { signature: 'marketo:fields' });
    }
    return byName;
  }

  /** A page of people at a time: those whose leads the retention has removed need no row. */
  private async prune(): Promise<void> {
    const { updates, now } = this.options;
    if (now() - this.prunedAt < PRUNE_EVERY_MS) return;
    this.prunedAt = now();
    this.pruneAfter = (await updates.prune(this.pruneAfter, PRUNED_AT_ONCE)) ?? '';
  }
}
