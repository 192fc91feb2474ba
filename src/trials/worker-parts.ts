import type { Provider } from '@nestjs/common';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { CLOCK, CONFIG, LOGGER } from '../platform/platform.module.js';
import { WORKER_ID, WORKER_NAME } from '../platform/worker-id.js';
import { TrialArms } from './trial-arms.js';
import { TrialIntake } from './trial-intake.js';
import { TrialKeeper } from './trial-keeper.js';
import { TrialRunner } from './trial-runner.js';
import { TrialScorers } from './trial-scorers.js';
import { TrialsPoller } from './trials.poller.js';
import { TrialsRepository } from './trials.repository.js';

/** What a worker process adds to the parts of trials.module.ts; only it opens scorers. */
export const TRIAL_WORKER_PARTS: Provider[] = [
  {
    provide: TrialScorers,
    inject: [CONFIG, TrialsRepository, LOGGER, CLOCK],
    useFactory: (config: Config, trials: TrialsRepository, logger: Logger, clock: Clock) =>
      TrialScorers.open({ config, trials, logger, clock }),
  },
  { provide: WORKER_NAME, useValue: WORKER_ID },
  TrialArms,
  TrialIntake,
  TrialKeeper,
  TrialRunner,
  TrialsPoller,
];
