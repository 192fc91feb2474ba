import { AppError } from '../domain/app-error.js';
import { Batcher, BatcherFull, type BatcherOptions } from '../platform/concurrency/batcher.js';
import { mayBeCausedByOneItem } from '../platform/database/database-errors.js';

/** The most items that wait for a statement: about two seconds of work. Further items are refused. */
const MAX_WAITING = 20_000;

type StatementOptions<Item, Result> = Pick<BatcherOptions<Item, Result>, 'run' | 'maxBatch' | 'parallel' | 'failsAll'> & {
  /** The lead's id: two items of one lead never share a statement and never run at the same time. */
  keyOf(item: Item): string;
};

/**
 * Lets concurrent callers share one statement. An item that makes the statement fail is found by bisection and fails
 * alone.
 */
export class StatementBatcher<Item, Result> {
  private readonly batcher: Batcher<Item, Result>;

  constructor(options: StatementOptions<Item, Result>) {
    this.batcher = new Batcher({ maxWaiting: MAX_WAITING, blamesOneItem: mayBeCausedByOneItem, ...options });
  }

  /** @throws AppError LEDGER_OVERLOADED where too many items wait; otherwise the statement's errors. */
  async submit(item: Item): Promise<Result> {
    try {
      return await this.batcher.submit(item);
    } catch (cause) {
      throw cause instanceof BatcherFull ? overloaded() : AppError.from(cause);
    }
  }
}

/** A batched statement of the stages. Two batches are in flight: one is written to disk while the next is planned. */
export function stageStatement<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  keyOf: (item: Item) => string,
): StatementBatcher<Item, Result> {
  return new StatementBatcher({ run, keyOf, maxBatch: 200, parallel: 2 });
}

export function overloaded(): AppError {
  return new AppError('LEDGER_OVERLOADED', 'Too many leads are waiting for PostgreSQL; this one was not stored.');
}
