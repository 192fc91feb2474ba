import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.js';
import { AuditLogRepository } from '../ledger/audit-log.repository.js';
import { DeadLettersRepository } from '../ledger/dead-letters.repository.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { AttentionService } from './attention.service.js';
import { AuditController } from './audit.controller.js';
import { DeadLetters } from './dead-letters/dead-letters.service.js';
import { BudgetsService } from './budgets.service.js';
import { CostsController } from './costs.controller.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { FirstTouchController } from './first-touch/first-touch.controller.js';
import { HealthController } from './health.controller.js';
import { OpsLeadsController } from './leads.controller.js';
import { LeadsService } from './leads.service.js';
import { MarketoController } from './marketo/marketo.controller.js';
import { MarketoService } from './marketo/marketo.service.js';
import { MetricsController } from './metrics.controller.js';
import { OutcomesController } from './outcomes/outcomes.controller.js';
import { OpenApiModule } from './openapi/openapi.module.js';
import { QueueDashboardModule } from './queue-dashboard.module.js';
import { QueuesController } from './queues.controller.js';
import { QueuesService } from './queues.service.js';
import { RoutingController } from './routing/routing.controller.js';
import { RoutingOpsService } from './routing/routing-ops.service.js';
import { ScoreModule } from './score/score.module.js';
import { SlaController } from './sla.controller.js';
import { SlaService } from './sla.service.js';
import { TrialsController } from './trials/trials.controller.js';

@Module({
  imports: [AlertsModule, OpenApiModule, QueueDashboardModule, ScoreModule],
  controllers: [
    AuditController,
    CostsController,
    DeadLettersController,
    FirstTouchController,
    HealthController,
    MarketoController,
    MetricsController,
    OpsLeadsController,
    OutcomesController,
    QueuesController,
    RoutingController,
    SlaController,
    TrialsController,
  ],
  providers: [
    AttentionService,
    BudgetsService,
    LeadsService,
    MarketoService,
    QueuesService,
    RoutingOpsService,
    SlaService,
    {
      provide: DeadLetters,
      inject: [DeadLettersRepository, AuditLogRepository, JobPublisher],
      useFactory: (...parts: ConstructorParameters<typeof DeadLetters>) => new DeadLetters(...parts),
    },
  ],
  exports: [
    AttentionService,
    BudgetsService,
    DeadLetters,
    LeadsService,
    MarketoService,
    QueuesService,
    RoutingOpsService,
    SlaService,
  ],
})
export class OpsModule {}
