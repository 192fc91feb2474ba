import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AlertStore } from '../alerts/alert-store.js';
import { AppError } from '../domain/app-error.js';
import { STAGES, type Stage } from '../domain/lead-state.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { whyOpen, type StageRow } from '../flow-control/stage-row.js';
import { OpenLeadsRepository } from '../ledger/open-leads.repository.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { queueErrorSentence } from '../queue/queue-error-log.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

/** Both queues with their leads, breakers and pauses; for the API and the console. */
@Injectable()
export class QueuesService implements OnApplicationBootstrap {
  constructor(
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly flow: FlowControlRepository,
    private readonly alerts: AlertStore,
    private readonly openLeads: OpenLeadsRepository,
  ) {}

  /** The first count of a large backlog takes a second: no operator should wait for it. */
  onApplicationBootstrap(): void {
    void this.openLeads.countStages([]).catch(() => {}); // the first call counts again
  }

  get backendKind() {
    return this.backend.kind;
  }

  /** The number of workers with a recent heartbeat. */
  livingWorkers(): Promise<number> {
    return this.flow.countLivingWorkers();
  }

  /** @throws AppError QUEUE_UNAVAILABLE, LEDGER_UNAVAILABLE */
  async list() {
    const [rows, alertsFailing, jobs] = await Promise.all([
      this.flow.stages(),
      this.alerts.deliveryProblem(),
      Promise.all(STAGES.map((stage) => this.backend.queue(stage).activeJobs())).catch((cause: Error) => {
        throw new AppError('QUEUE_UNAVAILABLE', `${queueErrorSentence(cause)}.`, { cause });
      }),
    ]);
    const counts = await this.openLeads.countStages(jobs.flat().flatMap(({ leads }) => leads));
    const items = STAGES.map((stage) => ({
      name: stage,
      ...counts[stage],
      ...shown(rows.find((row) => row.stage === stage)!),
    }));
    return { backend: this.backend.kind, items, alertsFailing };
  }

  /** The breakers without the counts, which need the queue store. */
  async breakers() {
    const rows = await this.flow.stages();
    return STAGES.map((stage) => ({ name: stage, ...shown(rows.find((row) => row.stage === stage)!) }));
  }

  /** @throws AppError NOT_FOUND where no queue has this name. */
  async pause(name: string, by: string) {
    return this.answer(await this.flow.pause(stageOf(name), by));
  }

  /** @throws AppError NOT_FOUND where no queue has this name. */
  async resume(name: string, by: string) {
    return this.answer(await this.flow.resume(stageOf(name), by));
  }

  private answer(row: StageRow | null) {
    return { name: row!.stage, ...shown(row!) };
  }
}

function stageOf(name: string): Stage {
  const stage = STAGES.find((candidate) => candidate === name);
  if (!stage) throw new AppError('NOT_FOUND', `There is no queue of this name. The queues are ${STAGES.join(' and ')}.`);
  return stage;
}

function shown(row: StageRow) {
  return {
    paused: row.pausedAt !== null,
    pausedBy: row.pausedBy,
    pausedAt: row.pausedAt,
    breaker: {
      state: row.breaker,
      reason: row.reason,
      code: row.code,
      problem: whyOpen(row),
      answer: row.answer,
      openedAt: row.openedAt,
      nextProbeAt: row.probeAt,
    },
    rateShare: Number(row.rateShare.toFixed(2)),
  };
}
