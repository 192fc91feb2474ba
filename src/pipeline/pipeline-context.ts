import type { FlowControl } from '../flow-control/flow-control.js';
import type { CircuitBreaker } from '../flow-control/circuit-breaker.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import type { JobPublisher } from '../queue/job-publisher.js';
import type { CrashIsolation } from './crash-isolation.js';
import type { RetryPolicy } from './retry-policy.js';

/** What both stages work with. */
export interface PipelineTools {
  ledger: Pick<
    Ledger,
    | 'claimForEnrichment'
    | 'claimForSync'
    | 'checkpoint'
    | 'markSynced'
    | 'recordFailure'
    | 'release'
    | 'markAlone'
    | 'refundAttempts'
    | 'countDeadWith'
    | 'eraseAgainIfGone'
  >;
  publisher: Pick<JobPublisher, 'publish'>;
  flow: {
    breakers: Record<
      keyof FlowControl['breakers'],
      Pick<CircuitBreaker, 'enter' | 'trip' | 'lastSuccessAt' | 'lastAnswerAt' | 'open' | 'paused' | 'reason'>
    >;
  };
  isolation: CrashIsolation;
  policy: RetryPolicy;
  /** CRASH_BUDGET: workers that may die of a lead before it is given up. */
  crashBudget: number;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
}
