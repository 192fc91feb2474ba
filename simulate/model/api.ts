import type { Draw } from '../engine/draw.js';
import { cpuOf, Process } from '../engine/process.js';
import type { Sample } from '../engine/sample.js';
import type { Timeline } from '../engine/timeline.js';
import type { Calibration } from '../calibration.js';
import type { Machines } from './machines.js';

/** maxBatch of the ledger's accepting batcher. */
const LEADS_A_COMMIT = 500;

interface Request {
  receivedAt: number;
  committed(): void;
}

/** One api task: parses, commits together with concurrent requests, answers, and publishes the job. */
export class Api {
  readonly process: Process;
  private waiting: Request[] = [];
  private committing = false;

  constructor(
    private readonly timeline: Timeline,
    private readonly draw: Draw,
    private readonly calibration: Calibration,
    private readonly machines: Machines,
    private readonly acks: Sample,
    cores: number,
  ) {
    this.process = new Process(timeline, machines.forTask(cores), calibration.api.cpu);
  }

  accept(committed: () => void): void {
    const request = { receivedAt: this.timeline.now, committed };
    this.machines.generator.submit(1, () =>
      this.process.submit(1, () => {
        this.waiting.push(request);
        this.commit();
      }),
    );
  }

  /** One commit at a time; requests that arrive meanwhile share the next. */
  private commit(): void {
    if (this.committing || this.waiting.length === 0) return;
    this.committing = true;
    const batch = this.waiting.splice(0, LEADS_A_COMMIT);
    const { api, commitMs } = this.calibration;
    this.machines.alsoRuns(cpuOf(api.postgres, 1, batch.length), () =>
      this.timeline.after(commitMs, () => {
        this.committing = false;
        for (const request of batch) this.answer(request);
        this.machines.alsoRuns(cpuOf(api.redis, 1, batch.length), () => {
          for (const request of batch) request.committed();
        });
        this.commit();
      }),
    );
  }

  private answer({ receivedAt }: Request): void {
    this.acks.add(this.timeline.now - receivedAt + this.draw.quantiles(this.calibration.api.overhead));
  }
}
