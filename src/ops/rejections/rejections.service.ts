import { Injectable } from '@nestjs/common';
import { AppError } from '../../domain/app-error.js';
import { IntakeRepository } from '../../ledger/intake.repository.js';
import { RejectionsRepository, type Rejection, type RejectionGroup } from '../../ledger/rejections.repository.js';
import type { Cursor } from '../../platform/database/cursor-pagination.js';
import { readKeptBody } from '../../platform/http/read-kept-body.js';
import { JobPublisher } from '../../queue/job-publisher.js';
import { repairedLead, replayRejection, type ReplayChanges } from './replay-rejection.js';

export const NO_SUCH_REJECTION = 'No rejection has this id. GET /ops/rejections lists them.';

/** The result for one rejection of a bulk replay. */
export type ReplayResult =
  | ({ id: string } & Awaited<ReturnType<typeof replayRejection>>)
  | { id: string; status: 'rejected'; code: string; detail: string };

/** Refused webhooks, for the API and the console. A process with ROLE=worker takes no webhooks and has none. */
@Injectable()
export class RejectionsService {
  constructor(
    private readonly intake: IntakeRepository,
    private readonly publisher: JobPublisher,
    private readonly rejections: RejectionsRepository,
  ) {}

  list(limit: number, after: Cursor | null, cause?: string) {
    return this.rejections.listRejections(limit, after, cause);
  }

  countOpen(cause?: string): Promise<number> {
    return this.rejections.countOpenRejections(cause);
  }

  /** Those that are open, by what is wrong with them. */
  causes(): Promise<RejectionGroup[]> {
    return this.rejections.groupOpenRejections();
  }

  /** @throws AppError NOT_FOUND */
  async find(id: string): Promise<Rejection> {
    const rejection = await this.rejections.findRejection(id);
    if (!rejection) throw new AppError('NOT_FOUND', NO_SUCH_REJECTION);
    return rejection;
  }

  /** Replays open rejections, oldest first. One that is still invalid stays open. */
  async replayMany(limit: number, by: string, charset?: string): Promise<ReplayResult[]> {
    const items: ReplayResult[] = [];
    for await (const rejection of this.rejections.openRejections(limit)) {
      try {
        items.push({ id: rejection.id, ...(await this.accept(rejection, { corrected: {}, charset }, by)) });
      } catch (error) {
        if (!(error instanceof AppError) || error.class !== 'input') throw error;
        items.push(refusalOf(rejection, error));
      }
    }
    return items;
  }

  openIds(limit: number, cause?: string): Promise<string[]> {
    return this.rejections.openRejectionIds(limit, cause);
  }

  /** The names of the fields that the body has; none where it cannot be read. */
  fieldNamesOf(rejection: Rejection): string[] {
    try {
      return Object.keys(readKeptBody(rejection, { charset: undefined, replaced: [] }).fields);
    } catch (error) {
      if (error instanceof AppError && error.class === 'input') return [];
      throw error;
    }
  }

  /** What a replay with these changes would refuse; null where it would store a lead. Nothing is stored. */
  refusalOf(rejection: Rejection, changes: ReplayChanges): AppError | null {
    try {
      repairedLead(rejection, changes);
      return null;
    } catch (error) {
      if (error instanceof AppError && error.class === 'input') return error;
      throw error;
    }
  }

  /**
   * Replays these, one after the other; one that is still wrong stays open. Those that were erased or removed meanwhile
   * have no result. A fault of a single rejection is its own; an outage is thrown.
   */
  async replayThese(ids: string[], changes: ReplayChanges, by: string): Promise<ReplayResult[]> {
    const items: ReplayResult[] = [];
    for (const id of ids) {
      const rejection = await this.rejections.findRejection(id);
      if (!rejection) continue;
      if (rejection.replayedAs) items.push({ id, status: 'duplicate', leadId: rejection.replayedAs, duplicate: true });
      else
        items.push(
          await this.accept(rejection, changes, by).then(
            (answer) => ({ id, ...answer }),
            (error: unknown) => refusalOf(rejection, error),
          ),
        );
    }
    return items;
  }

  /** @throws AppError NOT_FOUND; INVALID_BODY or INVALID_LEAD where it is still invalid, then nothing was stored. */
  async replay(id: string, changes: ReplayChanges, by: string) {
    return this.accept(await this.find(id), changes, by);
  }

  private async accept(rejection: Rejection, changes: ReplayChanges, by: string) {
    const answer = await replayRejection({ ledger: this.intake, publisher: this.publisher }, rejection, changes);
    await this.rejections.markReplayed(rejection.id, answer.leadId, by);
    return answer;
  }
}

function refusalOf({ id }: Rejection, cause: unknown): ReplayResult {
  const error = AppError.from(cause);
  if (error.class === 'dependency-down' || error.class === 'rate-limited') throw error;
  return { id, status: 'rejected', code: error.code, detail: error.message };
}
