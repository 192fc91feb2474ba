import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { AlertsModule } from './alerts/alerts.module.js';
import { FirstTouchModule, FirstTouchPollingModule, OwnerLinksModule } from './first-touch/first-touch.module.js';
import { FlowModule } from './flow-control/flow-control.module.js';
import { IngressModule } from './ingress/ingress.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import { OutcomesModule, OutcomesPollingModule } from './outcomes/outcomes.module.js';
import { BulkModule } from './ops/bulk/bulk.module.js';
import { PrivacyModule } from './ops/privacy/privacy.module.js';
import { RoutingWorkersModule } from './routing/routing-workers.module.js';
import { RoutingModule } from './routing/routing.module.js';
import { HttpModule } from './platform/http/http.module.js';
import { OpsModule } from './ops/ops.module.js';
import { PlatformModule, type PlatformParts } from './platform/platform.module.js';
import { TrialsModule } from './trials/trials.module.js';
import type { QueueBackend } from './queue/queue-backend.js';
import { QueueModule } from './queue/queue.module.js';

/** The composition root: which modules a role loads. */
@Module({})
export class AppModule {
  static async forRole(parts: PlatformParts, backend: QueueBackend, redisUrl: string | null): Promise<DynamicModule> {
    const role = parts.config.ROLE;
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(parts),
        HttpModule,
        QueueModule.with(backend),
        LedgerModule,
        FlowModule,
        OutcomesModule,
        TrialsModule,
        RoutingModule,
        FirstTouchModule,
        OpsModule,
        AlertsModule,
        ...(role === 'worker' ? [] : [IngressModule.with(parts.config, redisUrl), PrivacyModule, BulkModule, OwnerLinksModule]),
        // Loaded only where it is served: a worker starts sooner without its pages.
        ...(role === 'worker' || parts.config.CONSOLE === 'off'
          ? []
          : [(await import('./console/console.module.js')).ConsoleModule]),
        ...(role === 'api' ? [] : await workerModules(parts.config.MARKETO_BASE_URL !== undefined)),
      ],
    };
  }
}

/** Imported only here and only now, so that an api process never loads an AI, CRM or Marketo client. */
async function workerModules(withMarketo: boolean): Promise<(Type | DynamicModule)[]> {
  const { PipelineModule } = await import('./pipeline/pipeline.module.js');
  const { CRM } = await import('./pipeline/downstreams.js');
  const modules = [
    PipelineModule,
    OutcomesPollingModule.reading(CRM),
    RoutingWorkersModule.using(CRM),
    FirstTouchPollingModule.reading(CRM),
  ];
  if (!withMarketo) return modules;
  const { MarketoModule } = await import('./marketo/marketo.module.js');
  return [...modules, MarketoModule];
}
