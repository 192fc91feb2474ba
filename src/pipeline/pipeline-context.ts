import type { FlowControl } from '../flow-control/flow-control.js';
import type { CircuitBreaker } from '../flow-control/circuit-breaker.js';
import type { ClaimsRepository } from '../ledger/claims.repository.js';
import type { ErasuresRepository } from '../ledger/erasures.repository.js';
import type { StageResultsRepository } from '../ledger/stage-results.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import type { JobPublisher } from '../queue/job-publisher.js';
import type { CrashIsolation } from './crash-isolation.js';
import type { RetryPolicy } from './retry-policy.js';

/** What both stages work with. */
export interface PipelineTools {
  claims: Pick<ClaimsRepository, 'claimForEnrichment' | 'claimForSync' | 'release' | 'markExclusive'>;
  results: Pick<StageResultsRepository, 'checkpoint' | 'markSynced' | 'recordFailure' | 'refundAttempts' | 'countDeadWith'>;
  erasures: Pick<ErasuresRepository, 'eraseAgainIfGone'>;
  publisher: Pick<JobPublisher, 'publish'>;
  flow: {
    breakers: Record<
      keyof FlowControl['breakers'],
      Pick<CircuitBreaker, 'enter' | 'attribute' | 'trip' | 'lastSuccessAt' | 'lastAnswerAt' | 'open' | 'paused' | 'reason'>
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
