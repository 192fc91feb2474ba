import { Command } from 'commander';
import type { CostsReport } from '../ops/costs.controller.js';
import type { ServiceClient } from './http-client.js';
import { table } from './format-lead.js';

/** `ops costs`: what the models have cost, by day. */
export function costsCommand(client: () => ServiceClient, print: (document: unknown, text: () => string) => void): Command {
  return new Command('costs')
    .description('what the models have cost, by day (UTC); estimates by the price table')
    .option('--days <n>', 'of the last so many days, today included', '7')
    .action(async ({ days }: { days: string }) => {
      const report = await client().get<CostsReport>(`/ops/costs?days=${encodeURIComponent(days)}`);
      print(report, () => costsText(report));
    });
}

function costsText({ days, items }: CostsReport): string {
  if (items.length === 0) return `No model was asked in the last ${days} days.`;
  const rows = items.map((cost) => [
    cost.day,
    cost.provider,
    cost.model,
    cost.scorings,
    cost.inputTokens,
    cost.outputTokens,
    cost.costUsd.toFixed(4),
    cost.costUsdPerLead.toFixed(6),
  ]);
  const sum = items.reduce((total, { costUsd }) => total + costUsd, 0);
  return `${table(['day', 'provider', 'model', 'scorings', 'tokens in', 'tokens out', 'USD', 'USD a lead'], rows)}\n${sum.toFixed(4)} USD in all.`;
}
