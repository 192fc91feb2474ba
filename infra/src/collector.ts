/** The sidecar that reads /metrics and writes it to CloudWatch in the embedded metric format, through a log group. */
export const COLLECTOR_IMAGE = 'public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0';

/** Metrics for CloudWatch and their dimensions. Each costs money, so only those for scaling and alarms. */
const SENT = [
  { dimensions: [['stage']], metric_name_selectors: ['^revenueflow_(oldest_seconds|breaker_open|dead_letters|stage_paused)$'] },
  {
    dimensions: [['role']],
    metric_name_selectors: [
      '^revenueflow_(ledger_away|spool_entries|rejections|sla_breaches_total|ai_fallbacks_total|crm_api_usage_ratio|ai_budget_ratio)$',
    ],
  },
];

/** The collector's configuration; JSON is YAML. ${…} is read from its environment. */
export function collectorConfig(role: string, namespace: string, logGroup: string): string {
  return JSON.stringify({
    receivers: {
      prometheus: {
        config: {
          scrape_configs: [
            {
              job_name: 'revenueflow',
              scrape_interval: '15s',
              authorization: { credentials: '${env:COLLECTOR_TOKEN}' },
              static_configs: [{ targets: ['127.0.0.1:3000'], labels: { role } }],
              // What is not sent need not be kept.
              metric_relabel_configs: [{ source_labels: ['__name__'], regex: 'revenueflow_.*', action: 'keep' }],
            },
          ],
        },
      },
    },
    exporters: {
      awsemf: {
        namespace,
        log_group_name: logGroup,
        log_stream_name: role,
        dimension_rollup_option: 'NoDimensionRollup',
        metric_declarations: SENT,
      },
    },
    service: { pipelines: { metrics: { receivers: ['prometheus'], exporters: ['awsemf'] } } },
  });
}
