import type { Ledger } from '../ledger/ledger.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/logger.js';
import type { Metrics } from '../platform/metrics.js';
import type { Announcer } from '../queue/announcer.js';
import type { RetryPolicy } from './outcome.js';

/** What both stages work with. */
export interface PipelineTools {
  ledger: Pick<Ledger, 'claimForEnrichment' | 'claimForSync' | 'checkpoint' | 'markSynced' | 'recordFailure'>;
  announcer: Pick<Announcer, 'announce'>;
  policy: RetryPolicy;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
}
