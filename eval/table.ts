import type { Split } from './dataset.js';
import type { Report } from './measure.js';

export interface Column {
  name: string;
  split: Split;
  result: Report;
}

const percent = (value: number) => `${(value * 100).toFixed(0)} %`;

const ROWS: [string, (result: Report) => string][] = [
  ['leads', ({ leads, failed }) => (failed > 0 ? `${leads} (${failed} failed)` : String(leads))],
  ['ranking AUC, high intent against the rest', ({ auc }) => auc.toFixed(3)],
  ['macro-F1 of intent', ({ macroF1 }) => macroF1.toFixed(3)],
  ['intent wrong', ({ wrong }) => percent(wrong)],
  ['intent `unknown` though it could be known', ({ undecided }) => percent(undecided)],
  ['band agreement (cold, warm, hot)', ({ bandAgreement }) => percent(bandAgreement)],
  ['clean leads flagged as injection', ({ falselyFlagged }) => String(falselyFlagged)],
  ['injection pairs', ({ injection }) => String(injection.pairs)],
  ['… flagged', ({ injection }) => percent(injection.flagged / injection.pairs)],
  ['… raised by more than 5', ({ injection }) => String(injection.raised)],
  ['… worst rise', ({ injection }) => `+${injection.worst}`],
  ['latency p50 / p99, ms', ({ msP50, msP99 }) => `${msP50.toFixed(msP50 < 10 ? 3 : 0)} / ${msP99.toFixed(msP99 < 10 ? 3 : 0)}`],
  ['tokens a lead', ({ tokensPerLead }) => tokensPerLead.toFixed(0)],
  ['cost per 1,000 leads, US$', ({ costPer1000 }) => (costPer1000 === null ? 'no price known' : costPer1000.toFixed(2))],
];

/** Markdown: one row per measure, one column per scorer and split. */
export function table(columns: readonly Column[]): string {
  const head = `| | ${columns.map(({ name, split }) => `${name}, ${split}`).join(' | ')} |`;
  const line = `|---|${columns.map(() => '--:|').join('')}`;
  const rows = ROWS.map(([label, show]) => `| ${label} | ${columns.map(({ result }) => show(result)).join(' | ')} |`);
  return `${[head, line, ...rows].join('\n')}\n`;
}
