import { Global, Module, type DynamicModule, type InjectionToken, type Provider } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/platform.module.js';
import { ClocksRepository } from './clocks.repository.js';
import { ClocksService, FIRST_TOUCH_CRM } from './clocks.service.js';
import { FirstTouchReportRepository } from './first-touch-report.repository.js';
import { FirstTouchRules } from './first-touch-rules.js';
import { FirstTouchPoller } from './first-touch.poller.js';
import { LinksController } from './links.controller.js';
import { NoticeSender } from './notices/notice-sender.js';
import type { Channel } from './notices/notice.js';
import { NOTICE_CHANNELS, NoticesRepository } from './notices/notices.repository.js';
import { OwnerActsService } from './owner-acts.service.js';
import { StepsRepository } from './steps.repository.js';
import { StepsService } from './steps.service.js';

const channels: Provider = {
  provide: NOTICE_CHANNELS,
  inject: [CONFIG],
  useFactory: (config: Config): Channel[] => [
    ...(config.NOTICES_SLACK_URL === undefined ? [] : ['slack' as const]),
    ...(config.NOTICES_WEBHOOK_URL === undefined ? [] : ['webhook' as const]),
  ],
};

const PARTS = [ClocksRepository, FirstTouchReportRepository, FirstTouchRules, NoticesRepository, StepsRepository];

/** The schema `first_touch`: clocks from an assignment to the first act of a person, and notices to owners. */
@Global()
@Module({ providers: [...PARTS, channels], exports: [...PARTS, NOTICE_CHANNELS] })
export class FirstTouchModule {}

/** Beside the API: what owners ask for with the links of notices. */
@Module({ controllers: [LinksController], providers: [OwnerActsService] })
export class OwnerLinksModule {}

/** Beside the workers alone, since only they have a CRM client. */
@Module({})
export class FirstTouchPollingModule {
  /** @param crm the token of the `CrmProvider`. */
  static reading(crm: InjectionToken): DynamicModule {
    return {
      module: FirstTouchPollingModule,
      providers: [ClocksService, StepsService, NoticeSender, FirstTouchPoller, { provide: FIRST_TOUCH_CRM, useExisting: crm }],
    };
  }
}
