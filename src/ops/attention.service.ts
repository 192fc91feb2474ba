import { Inject, Injectable } from '@nestjs/common';
import { AlertStore } from '../alerts/alert-store.js';
import { FirstTouchReportRepository } from '../first-touch/first-touch-report.repository.js';
import { NoticesRepository } from '../first-touch/notices/notices.repository.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/platform.module.js';
import type { QueueBackend } from '../queue/queue-backend.js';
import { QUEUE_BACKEND } from '../queue/queue.module.js';
import { MarketoService } from './marketo/marketo.service.js';

export type AttentionReport = Awaited<ReturnType<AttentionService['report']>>;

/** What may need a person beside the leads in the stages: the queue store, alerts, Marketo, owners and notices. */
@Injectable()
export class AttentionService {
  constructor(
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly alerts: AlertStore,
    private readonly marketo: MarketoService,
    private readonly firstTouch: FirstTouchReportRepository,
    private readonly notices: NoticesRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** A part is null where it is switched off. */
  async report() {
    const [queueAnswers, alertsFailing, marketo, owners] = await Promise.all([
      this.queueAnswers(),
      this.alerts.deliveryProblem(),
      this.marketo.isConfigured ? this.marketo.figures() : null,
      this.config.ROUTING_RULES === undefined ? null : this.ownersReport(),
    ]);
    return { queueAnswers, alertsFailing, marketo, owners };
  }

  /** Asks twice, since a ping of Redis waits for only 150 ms and this process may have been busy. */
  private async queueAnswers(): Promise<boolean> {
    const ping = () => this.backend.ping();
    return ping()
      .catch(ping)
      .then(
        () => true,
        () => false,
      );
  }

  private async ownersReport() {
    const [overdue, channels] = await Promise.all([this.firstTouch.overdue(), this.notices.problems()]);
    return { overdue, channels };
  }
}
