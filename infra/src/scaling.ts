import { Duration } from 'aws-cdk-lib';
import { AdjustmentType } from 'aws-cdk-lib/aws-applicationautoscaling';
import type { Edge } from './edge.js';
import type { ServiceMetrics } from './metrics.js';
import type { Services } from './services.js';
import type { Settings } from './settings.js';

/**
 * 300 requests per second and task. On two shared cores an api handled 8,900 per second at 0.08 ms of CPU each, so
 * half a core could handle ten times as many. The margin covers large bodies, cold tasks and the minute that scaling
 * takes.
 */
const REQUESTS_PER_TARGET_AND_MINUTE = 300 * 60;

/** The api scales with the requests, the worker with the waiting time of leads. */
export function scale({ size }: Settings, { api, worker }: Services, { targets }: Edge, metrics: ServiceMetrics): void {
  const apis = api.autoScaleTaskCount({ minCapacity: size.api.min, maxCapacity: size.api.max });
  apis.scaleOnRequestCount('Requests', {
    requestsPerTarget: REQUESTS_PER_TARGET_AND_MINUTE,
    targetGroup: targets,
    scaleOutCooldown: Duration.minutes(1),
    scaleInCooldown: Duration.minutes(10),
  });
  const workers = worker.autoScaleTaskCount({ minCapacity: size.worker.min, maxCapacity: size.worker.max });
  workers.scaleOnMetric('OldestLead', {
    metric: metrics.scalableAge(),
    // Of a service level of 300 s: at 60 s one more, at 120 s three more. Below 10 s one fewer.
    scalingSteps: [
      { upper: 10, change: -1 },
      { lower: 60, change: +1 },
      { lower: 120, change: +3 },
    ],
    adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
    cooldown: Duration.minutes(3),
    evaluationPeriods: 2,
  });
}
