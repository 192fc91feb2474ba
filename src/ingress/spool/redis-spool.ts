import { Redis } from 'ioredis';
import { AppError } from '../../domain/app-error.js';
import type { LeadToAccept, SpooledLead } from '../../ledger/intake.repository.js';
import { z } from 'zod';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { queueErrorSentence } from '../../queue/queue-error-log.js';
import type { Spool, SpoolEntry } from './spool.js';

const STREAM = '{revenueflow}:spool';
/**
 * At this size a lead is answered 503: the same Redis has the queues. A lead may have 64 KiB, so entries alone are no
 * bound.
 */
const LIMITS = { entries: 200_000, bytes: 256 * 1024 * 1024 };
/** Entries that a search for a person's leads reads at a time. */
const PAGE = 1000;
/** The sender hears within a second; by then the write is confirmed, or it does not count. */
const CONFIRM_WITHIN_MS = 700;

/** How a write is known to be durable: each reply already means it (`always`), or replicas have to be waited for. */
type Confirmation = 'appendfsync always' | 'WAIT';
const ONE_REPLICA = [1, CONFIRM_WITHIN_MS - 100];

/**
 * A Redis stream that takes leads while PostgreSQL is down. A write counts only when it is confirmed: on disk
 * (`fsync`), which takes `appendfsync always`; or in a replica's memory (`replica`), which is less. Not by WAITAOF:
 * where the file is synced once a second, Redis 7.4 and Valkey 8.0 answer it before the sync
 * (https://github.com/redis/redis/pull/13793), and a server without that fault answers up to a second later, when the
 * sender has gone.
 */
export class RedisSpool implements Spool {
  private readonly redis: Redis;
  private readonly writing: Batcher<LeadToAccept, void>;

  constructor(
    url: string,
    private readonly mode: 'fsync' | 'replica',
    /** PostgreSQL's time in milliseconds since 1970: see DatabaseClock. */
    private readonly now: () => number,
    private readonly limits = LIMITS,
  ) {
    this.redis = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: CONFIRM_WITHIN_MS,
      retryStrategy: (times) => Math.min(times * 100, 1000),
    });
    this.redis.on('error', () => {}); // each write says by itself that it was not confirmed
    this.writing = new Batcher({
      run: (leads) => this.append(leads),
      maxBatch: 500,
      maxWaiting: 20_000,
      parallel: 1,
      failsAll: () => true,
    });
  }

  async connected(): Promise<void> {
    if (this.redis.status !== 'ready') await new Promise((resolve) => this.redis.once('ready', resolve));
  }

  write(lead: LeadToAccept): Promise<void> {
    return this.writing.submit(lead);
  }

  /** @throws AppError QUEUE_UNAVAILABLE, as do `read` and `remove`. */
  async size(): Promise<number> {
    return this.redis.xlen(STREAM).catch(unavailable);
  }

  async read(limit: number): Promise<SpoolEntry[]> {
    const entries = await this.redis.xrange(STREAM, '-', '+', 'COUNT', limit).catch(unavailable);
    return entries.map(entryOf);
  }

  async ofPerson(personKey: string): Promise<SpooledLead[]> {
    const found: SpooledLead[] = [];
    let from = '-';
    for (;;) {
      const page = await this.redis.xrange(STREAM, from, '+', 'COUNT', PAGE);
      found.push(...page.flatMap((one) => entryOf(one).lead ?? []).filter((lead) => lead.personKey === personKey));
      if (page.length < PAGE) return found;
      from = `(${page.at(-1)![0]}`;
    }
  }

  async remove(entries: string[]): Promise<void> {
    if (entries.length > 0) await this.redis.xdel(STREAM, ...entries).catch(unavailable);
  }

  describe(): Promise<string | null> {
    return this.confirmation();
  }

  async close(): Promise<void> {
    this.redis.disconnect();
  }

  private async append(leads: LeadToAccept[]): Promise<void[]> {
    const confirmation = await this.confirmation();
    if (!confirmation) throw new Error('this Redis cannot confirm that a write is durable');
    if (await this.isFull()) throw new Error('the spool is full');
    const now = new Date(this.now());
    const pipeline = this.redis.pipeline();
    for (const [index, lead] of leads.entries()) {
      pipeline.xadd(STREAM, '*', 'lead', JSON.stringify({ ...lead, receivedAt: exactTime(now, index) }));
    }
    if (confirmation === 'WAIT') pipeline.call('WAIT', ...ONE_REPLICA);
    const replies = (await pipeline.exec()) ?? [];
    const failed = replies.find(([error]) => error !== null);
    if (failed) throw failed[0]!;
    if (confirmation === 'WAIT' && Number(replies.at(-1)![1]) < 1) throw new Error('no replica confirmed the write in time');
    return [];
  }

  /** MEMORY USAGE samples some entries, so that it costs the same for every size of the stream. */
  private async isFull(): Promise<boolean> {
    const [entries, bytes] = await Promise.all([this.redis.xlen(STREAM), this.redis.memory('USAGE', STREAM)]);
    return entries >= this.limits.entries || (bytes ?? 0) >= this.limits.bytes;
  }

  /** Asked each time, a batch at most: an operator may change the setting, and a failover may bring another server. */
  private async confirmation(): Promise<Confirmation | null> {
    if (this.mode === 'replica') return 'WAIT';
    // A managed Redis may forbid CONFIG; then the meaning of its replies is unknown.
    const settings = (await this.redis.config('GET', 'append*').catch(() => [])) as string[];
    const setting = (name: string) => settings[settings.indexOf(name) + 1];
    return setting('appendonly') === 'yes' && setting('appendfsync') === 'always' ? 'appendfsync always' : null;
  }
}

function unavailable(cause: Error): never {
  throw new AppError('QUEUE_UNAVAILABLE', `${queueErrorSentence(cause)}.`, { cause });
}

/** As `append` writes it. Another version, or an operator, may have written something else. */
const spooledSchema = z.looseObject({
  id: z.uuid(),
  personKey: z.string().regex(/^[0-9a-f]{64}$/),
  email: z.string(),
  emailRaw: z.string(),
  campaignId: z.string(),
  name: z.string().nullable(),
  attributes: z.record(z.string(), z.string()),
  receivedAt: z.iso.datetime(),
});

function entryOf([entry, fields]: [string, string[]]): SpoolEntry {
  const text = fields[1] ?? '';
  try {
    return { entry, text, lead: { ...spooledSchema.parse(JSON.parse(text)), entry } as SpooledLead };
  } catch {
    return { entry, text, lead: null };
  }
}

/** A batch has one time; the microseconds keep the order in which its leads came. */
function exactTime(now: Date, index: number): string {
  return now.toISOString().replace('Z', `${String(index).padStart(3, '0')}Z`);
}
