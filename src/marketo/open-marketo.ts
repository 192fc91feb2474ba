import type { MarketoStagesRepository } from '../ledger/marketo-stages.repository.js';
import type { Config } from '../platform/config/config.js';
import { CallLimiter } from './client/call-limiter.js';
import { credentialsOf, MarketoClient } from './client/marketo-client.js';

/** A client with the settings of the service; all processes share the rate. @throws AppError CONFIG_INVALID */
export function openMarketo(config: Config, stages: Pick<MarketoStagesRepository, 'reserve'>) {
  return new MarketoClient({
    ...credentialsOf(config),
    rateLimiter: new CallLimiter(stages, config.MARKETO_CALLS_PER_20_SECONDS),
    now: Date.now,
  });
}
