import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';

export const STAGES = ['enrichment', 'crm-sync'] as const;

const MINUTE = Duration.minutes(1);

/** Metrics that the collector writes. Those of the ledger are the same from every process, so the maximum is taken. */
export class ServiceMetrics {
  constructor(readonly namespace: string) {}

  ofStage(name: string, stage: (typeof STAGES)[number]): Metric {
    return this.metric(`revenueflow_${name}`, { stage });
  }

  ofRole(name: string, role: 'api' | 'worker', statistic = 'Maximum'): Metric {
    return this.metric(`revenueflow_${name}`, { role }, statistic);
  }

  /** The largest of a figure over the stages. */
  most(name: string): IMetric {
    const usingMetrics = Object.fromEntries(STAGES.map((stage, n) => [`s${n}`, this.ofStage(name, stage)]));
    return new MathExpression({ expression: 'MAX([s0, s1])', usingMetrics, period: MINUTE, label: name });
  }

  /**
   * The age of the oldest lead of the stages whose breaker is closed, in seconds. While a downstream is down, more
   * workers would not help: 30 means "neither too few workers nor too many".
   */
  scalableAge(): IMetric {
    const usingMetrics: Record<string, IMetric> = {};
    for (const [n, stage] of STAGES.entries()) {
      usingMetrics[`age${n}`] = this.ofStage('oldest_seconds', stage);
      usingMetrics[`open${n}`] = this.ofStage('breaker_open', stage);
    }
    const expression = 'MAX([IF(FILL(open0, 0) > 0, 30, age0), IF(FILL(open1, 0) > 0, 30, age1)])';
    return new MathExpression({
      expression,
      usingMetrics,
      period: MINUTE,
      label: 'age of the oldest lead that a worker could take',
    });
  }

  private metric(metricName: string, dimensionsMap: Record<string, string>, statistic = 'Maximum'): Metric {
    return new Metric({ namespace: this.namespace, metricName, dimensionsMap, statistic, period: MINUTE });
  }
}
