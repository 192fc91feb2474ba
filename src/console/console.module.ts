import { Module } from '@nestjs/common';
import { BulkModule } from '../ops/bulk/bulk.module.js';
import { OpsModule } from '../ops/ops.module.js';
import { PrivacyModule } from '../ops/privacy/privacy.module.js';
import { RejectionsModule } from '../ops/rejections/rejections.module.js';
import { ApiController } from './api.controller.js';
import { ConsoleAuditController } from './audit.controller.js';
import { BulkController } from './bulk.controller.js';
import { ConsoleAssetsController } from './console-assets.controller.js';
import { ConsoleErrorFilter } from './console-error.filter.js';
import { ConsoleRoutes } from './console-routes.js';
import { ConsoleSessionGuard } from './console-session.guard.js';
import { ConsoleFormsGuard } from './console-forms.guard.js';
import { ConsoleViewer } from './console-viewer.js';
import { ConsoleDeadLettersController } from './dead-letters.controller.js';
import { ConsoleLeadsController } from './leads.controller.js';
import { LoginController } from './login.controller.js';
import { ConsoleMarketoController } from './marketo.controller.js';
import { MissingPageController } from './missing-page.controller.js';
import { NowController } from './now.controller.js';
import { ConsoleRejectionsController } from './rejections.controller.js';
import { RunbookController } from './runbook.controller.js';
import { ConsoleRoutingController } from './routing.controller.js';
import { ConsoleScoresController } from './scores.controller.js';
import { ConsoleSlaController } from './sla.controller.js';
import { ConsoleStagesController } from './stages.controller.js';
import { ConsoleTrialsController } from './trials.controller.js';

/** The service in a browser: pages made on the server, over the same services as the API. */
@Module({
  imports: [BulkModule, OpsModule, PrivacyModule, RejectionsModule],
  controllers: [
    ApiController,
    BulkController,
    ConsoleAssetsController,
    ConsoleAuditController,
    ConsoleDeadLettersController,
    ConsoleLeadsController,
    ConsoleMarketoController,
    ConsoleRejectionsController,
    ConsoleRoutingController,
    ConsoleScoresController,
    ConsoleSlaController,
    ConsoleStagesController,
    ConsoleTrialsController,
    LoginController,
    MissingPageController,
    NowController,
    RunbookController,
  ],
  providers: [ConsoleErrorFilter, ConsoleFormsGuard, ConsoleRoutes, ConsoleSessionGuard, ConsoleViewer],
})
export class ConsoleModule {}
