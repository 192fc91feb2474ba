import { Injectable } from '@nestjs/common';
import { AppError } from '../../domain/app-error.js';
import { IntakeRepository } from '../../ledger/intake.repository.js';
import { RejectionsRepository, type Rejection } from '../../ledger/rejections.repository.js';
import type { Cursor } from '../../platform/database/cursor-pagination.js';
import { JobPublisher } from '../../queue/job-publisher.js';
import { replayRejection, type ReplayChanges } from './replay-rejection.js';

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

  list(limit: number, after: Cursor | null) {
    return this.rejections.listRejections(limit, after);
  }

  countOpen(): Promise<number> {
    return this.rejections.countOpenRejections();
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
        items.push({ id: rejection.id, status: 'rejected', code: error.code, detail: error.message });
      }
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
