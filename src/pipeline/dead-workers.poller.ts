import { Inject, Injectable } from '@nestjs/common';
import { STAGES, stageDueIn } from '../domain/lead-state.js';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import { OpenLeadsRepository } from '../ledger/open-leads.repository.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Logger } from '../platform/observability/logger.js';
import { LOGGER } from '../platform/platform.module.js';
import { jobRequestOf } from '../queue/job.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';

const POLL_EVERY_MS = 1000;
const STOP_WITHIN_MS = 1000;

/**
 * Gives the leads of a killed worker new jobs within seconds. Its locks in the queue last longer (LEASE_MS), since a
 * slow worker may need that time. A worker that was only stalled finds its epoch and fence outdated and writes nothing.
 * So do the old jobs when their locks end.
 */
@Injectable()
export class DeadWorkersPoller {
  private readonly poller: Poller;

  constructor(
    private readonly flow: FlowControlRepository,
    private readonly openLeads: OpenLeadsRepository,
    @Inject(QUEUE_BACKEND) private readonly backend: Pick<QueueBackend, 'queue'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.poller = new Poller({
      everyMs: POLL_EVERY_MS,
      poll: () => this.poll(),
      onError: (error, first) => {
        if (first) logger.warn({ err: error }, 'The jobs of dead workers cannot be replaced now; the next poll tries again');
      },
      stopWithinMs: STOP_WITHIN_MS,
    });
  }

  start(): void {
    this.poller.start();
  }

  stop(): Promise<void> {
    return this.poller.stop();
  }

  async poll(): Promise<void> {
    const { flow, openLeads, backend, logger } = this;
    const dead = await flow.takeDeadWorkers();
    if (dead.length === 0) return;
    const active = (await Promise.all(STAGES.map((stage) => backend.queue(stage).activeJobs()))).flat();
    // Includes leads that were not claimed yet. An earlier version did not name the worker of a job.
    const theirs = active.filter(({ worker }) => worker === undefined || dead.includes(worker));
    const open = await openLeads.openLeadsOfDeadWorkers(
      theirs.flatMap((job) => job.leads),
      dead,
    );
    const leads = await openLeads.raiseEpochs(open);
    for (const stage of STAGES) {
      const due = leads.filter(({ state }) => stageDueIn(state) === stage);
      if (due.length > 0) await backend.queue(stage).enqueue(due.map((lead) => ({ ...jobRequestOf(lead), first: true })));
    }
    await flow.forgetWorkers(dead);
    logger.warn({ workers: dead, count: leads.length }, 'Workers stopped their heartbeat: their leads have new jobs');
  }
}
