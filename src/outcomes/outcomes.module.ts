import { Global, Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import { CalibrationService } from './calibration.service.js';
import { CalibrationsRepository } from './calibrations.repository.js';
import { FirstScoresRepository } from './first-scores.repository.js';
import { JudgedLeadsRepository } from './judged-leads.repository.js';
import { OUTCOMES_CRM, OutcomesPoller } from './outcomes.poller.js';
import { OutcomesRepository } from './outcomes.repository.js';
import { OutcomesService } from './outcomes.service.js';
import { ScoreCellsRepository } from './score-cells.repository.js';

const PARTS = [
  CalibrationService,
  CalibrationsRepository,
  FirstScoresRepository,
  JudgedLeadsRepository,
  OutcomesRepository,
  OutcomesService,
  ScoreCellsRepository,
];

/** The schema `feedback`: what became of leads, and what that says about their scores. */
@Global()
@Module({ providers: PARTS, exports: PARTS })
export class OutcomesModule {}

/** Beside the workers alone, since only they have a CRM client. */
@Module({})
export class OutcomesPollingModule {
  /** @param crm the token of the `CrmProvider`. */
  static reading(crm: InjectionToken): DynamicModule {
    return {
      module: OutcomesPollingModule,
      providers: [{ provide: OUTCOMES_CRM, useExisting: crm }, OutcomesPoller],
    };
  }
}
