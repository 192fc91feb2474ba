import { Injectable } from '@nestjs/common';
import { FirstScoresRepository } from './first-scores.repository.js';

/** Batches of one catch-up: 20,000 leads, which take about a second. */
const MOST_BATCHES = 4;

/** The score of each person when they first reached the CRM, copied from the ledger. */
@Injectable()
export class FirstScores {
  constructor(private readonly repository: FirstScoresRepository) {}

  /** Copies what is new, a bounded number of leads. @returns whether all are copied. */
  async catchUp(): Promise<boolean> {
    for (let batch = 0; batch < MOST_BATCHES; batch++) if (!(await this.repository.copyBatch())) return true;
    return false;
  }

  prune(days: number): Promise<void> {
    return this.repository.prune(days);
  }
}
