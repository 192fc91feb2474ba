import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, MathExpression, Metric, TreatMissingData, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Edge } from './edge.js';
import type { ServiceMetrics } from './metrics.js';
import type { Rotation } from './rotation.js';
import type { Services } from './services.js';
import type { Settings } from './settings.js';
import type { Stores } from './stores.js';

const MINUTE = Duration.minutes(1);
const SLA_SECONDS = 300;
const GIB = 1024 ** 3;

interface Rule {
  metric: IMetric;
  /** Above it, or below it with `below`. */
  threshold: number;
  below?: true;
  minutes: number;
  /** What is wrong, and what to look at. */
  says: string;
  /** Missing data is an alarm too. */
  silence?: true;
}

export interface AlarmsProps {
  settings: Settings;
  metrics: ServiceMetrics;
  services: Services;
  stores: Stores;
  edge: Edge;
  rotation: Rotation;
  topic: ITopic;
}

/**
 * The alert rules of deploy/prometheus/alerts.yml whose metric is on CloudWatch, and alarms for the stores that only
 * AWS measures. An idle sweeper shows in the age of the oldest lead.
 */
export class Alarms extends Construct {
  constructor(scope: Construct, props: AlarmsProps) {
    super(scope, 'Alarms');
    const action = new SnsAction(props.topic);
    for (const [name, rule] of Object.entries({ ...ofLeads(props), ...ofServices(props), ...ofStores(props) })) {
      const alarm = new Alarm(this, name, {
        metric: rule.metric,
        threshold: rule.threshold,
        comparisonOperator: rule.below ? ComparisonOperator.LESS_THAN_THRESHOLD : ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: rule.minutes,
        datapointsToAlarm: rule.minutes,
        treatMissingData: rule.silence ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
        alarmDescription: rule.says,
      });
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
  }
}

function ofLeads({ metrics }: AlarmsProps): Record<string, Rule> {
  return {
    SlaAtRisk: {
      metric: metrics.most('oldest_seconds'),
      threshold: SLA_SECONDS / 2,
      minutes: 2,
      says: 'The oldest lead has waited half of the service level, or its age is unknown. Check the breakers, then the workers.',
      silence: true,
    },
    SlaBreaches: {
      metric: metrics.ofRole('sla_breaches_total', 'worker', 'Sum'),
      threshold: 10,
      minutes: 5,
      says: 'Leads reach the CRM later than the service level: npx revenueflow queues.',
    },
    DeadLetters: {
      metric: metrics.most('dead_letters'),
      threshold: 0,
      minutes: 5,
      says: 'Leads wait for an operator: npx revenueflow dead-letters list.',
    },
    BreakerOpen: {
      metric: metrics.most('breaker_open'),
      threshold: 0,
      minutes: 2,
      says: 'A breaker is open because a downstream fails or a setting is wrong: npx revenueflow queues shows which.',
    },
    StagePaused: {
      metric: metrics.most('stage_paused'),
      threshold: 0,
      minutes: 30,
      says: 'An operator paused a stage half an hour ago and has not resumed it: npx revenueflow queues shows by whom.',
    },
    Rejections: {
      metric: metrics.ofRole('rejections', 'api'),
      threshold: 0,
      minutes: 10,
      says: 'Webhooks were answered 400 and wait to be replayed: npx revenueflow rejections.',
    },
    CrmApiBudget: {
      metric: metrics.ofRole('crm_api_usage_ratio', 'worker'),
      threshold: 0.8,
      minutes: 5,
      says: "The org's API calls of the day run low: the service slows down, then stops before the last ones.",
    },
    AiBudget: {
      metric: metrics.ofRole('ai_budget_ratio', 'worker'),
      threshold: 0.8,
      minutes: 5,
      says: 'AI_DAILY_TOKEN_BUDGET runs low: beyond it leads continue with a fallback score.',
    },
    LedgerAway: {
      metric: metrics.ofRole('ledger_away', 'api'),
      threshold: 0,
      minutes: 1,
      says: 'An api cannot reach PostgreSQL: webhooks are answered from the spool, or 503.',
    },
    SpoolInUse: {
      metric: metrics.ofRole('spool_entries', 'api'),
      threshold: 0,
      minutes: 2,
      says: 'Leads wait in the spool for PostgreSQL: they are in memory only, on two nodes.',
    },
    ScorerFallbacks: {
      metric: metrics.ofRole('ai_fallbacks_total', 'worker', 'Sum'),
      threshold: 10,
      minutes: 10,
      says: 'Leads continue with a fallback score because the model does not answer in time.',
    },
  };
}

function ofServices({ services, edge, rotation }: AlarmsProps): Record<string, Rule> {
  const tasksOf = (ServiceName: string) =>
    new Metric({
      namespace: 'ECS/ContainerInsights',
      metricName: 'RunningTaskCount',
      dimensionsMap: { ClusterName: services.cluster.clusterName, ServiceName },
      statistic: 'Minimum',
      period: MINUTE,
    });
  const errors = new MathExpression({
    expression: 'FILL(balancer, 0) + FILL(api, 0)',
    usingMetrics: {
      balancer: edge.balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { period: MINUTE, statistic: 'Sum' }),
      api: edge.targets.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { period: MINUTE, statistic: 'Sum' }),
    },
    period: MINUTE,
    label: 'answers 5xx',
  });
  return {
    Refused: {
      metric: errors,
      threshold: 0,
      minutes: 1,
      says: 'Webhooks were answered 5xx, and Marketo does not repeat them by itself: docs/marketo.md has the retry campaign.',
    },
    SlowAcks: {
      metric: edge.targets.metrics.targetResponseTime({ period: MINUTE, statistic: 'p99' }),
      threshold: 0.5,
      minutes: 5,
      says: 'One in a hundred webhooks waits over half a second for its answer.',
    },
    NoApi: {
      metric: edge.targets.metrics.healthyHostCount({ period: MINUTE, statistic: 'Minimum' }),
      threshold: 1,
      below: true,
      minutes: 1,
      says: 'No api answers its health check.',
      silence: true,
    },
    NoWorker: {
      metric: tasksOf(services.worker.serviceName),
      threshold: 1,
      below: true,
      minutes: 3,
      says: 'No worker runs: leads are accepted and wait.',
      silence: true,
    },
    RotationFailed: {
      metric: rotation.lambda.metricErrors({ period: MINUTE }),
      threshold: 0,
      minutes: 1,
      says: 'The webhook secret could not be rotated; the present ones stay valid. See the Lambda’s log.',
    },
  };
}

function ofStores({ stores: { database, cache }, settings: { size } }: AlarmsProps): Record<string, Rule> {
  const ofCache = (metricName: string, statistic = 'Maximum') =>
    new Metric({
      namespace: 'AWS/ElastiCache',
      metricName,
      dimensionsMap: { CacheClusterId: `${cache.ref}-001` },
      statistic,
      period: MINUTE,
    });
  return {
    DatabaseFull: {
      metric: database.metricFreeStorageSpace({ period: MINUTE, statistic: 'Minimum' }),
      threshold: (size.database.storageGb / 10) * GIB,
      below: true,
      minutes: 5,
      says: 'PostgreSQL has less than a tenth of its first disk left; storage grows by itself up to its limit.',
    },
    DatabaseBusy: {
      metric: database.metricCPUUtilization({ period: MINUTE }),
      threshold: 80,
      minutes: 15,
      says: 'PostgreSQL uses over 80 % CPU: choose a larger instance, or fewer tasks.',
    },
    DatabaseConnections: {
      metric: database.metricDatabaseConnections({ period: MINUTE, statistic: 'Maximum' }),
      threshold: size.database.maxConnections * 0.8,
      minutes: 5,
      says: 'PostgreSQL is near its limit of connections.',
    },
    CacheFull: {
      metric: ofCache('DatabaseMemoryUsagePercentage'),
      threshold: 75,
      minutes: 5,
      says: 'Valkey fills up; when it is full, leads wait for the sweeper. Choose a larger node.',
    },
    CacheBusy: {
      metric: ofCache('EngineCPUUtilization'),
      threshold: 80,
      minutes: 10,
      says: 'Valkey’s one thread uses over 80 % CPU.',
    },
    CacheEvicts: {
      metric: ofCache('Evictions', 'Sum'),
      threshold: 0,
      minutes: 1,
      says: 'Valkey evicts jobs: its parameter group is not ours.',
    },
  };
}
