import { Option, type Command } from 'commander';
import type { CostsReport } from '../ops/costs.controller.js';
import { tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';
import { readCount, withQuery } from './paging.js';
import type { Session } from './session.js';

type Cost = CostsReport['items'][number];

const COLUMNS: Column<Cost>[] = [
  { head: 'day', field: 'day', value: ({ day }) => String(day), rank: 9 },
  { head: 'provider', field: 'provider', value: ({ provider }) => provider, min: 7, rank: 3 },
  { head: 'model', field: 'model', value: ({ model }) => model, min: 10, rank: 8 },
  { head: 'scorings', field: 'scorings', value: ({ scorings }) => scorings, rank: 6 },
  { head: 'tokens in', field: 'inputTokens', value: ({ inputTokens }) => inputTokens, rank: 5 },
  { head: 'tokens out', field: 'outputTokens', value: ({ outputTokens }) => outputTokens, rank: 4 },
  { head: 'USD', field: 'costUsd', value: ({ costUsd }) => costUsd, cell: ({ costUsd }) => costUsd.toFixed(4), rank: 10 },
  {
    head: 'USD per lead',
    field: 'costUsdPerLead',
    value: ({ costUsdPerLead }) => costUsdPerLead,
    cell: ({ costUsdPerLead }) => costUsdPerLead.toFixed(6),
    rank: 7,
  },
];

/** `costs`: what the models have cost, by day. */
export function addCostsCommand(program: Command, session: Session): void {
  program
    .command('costs')
    .description('show what the models have cost by day (UTC), estimated with the price table')
    .addOption(new Option('--days <n>', 'the last n days, today included').argParser(readCount).default(7))
    .action(async ({ days }: { days: number }) => {
      const { client, output } = session;
      const report = await client.get<CostsReport>(withQuery('/ops/costs', { days }));
      await output.report(report, report.items, { columns: COLUMNS }, () => costsText(report, output.width));
    });
}

function costsText({ days, items }: CostsReport, width: number): string {
  if (items.length === 0) return `No model was called in the last ${counted(days, 'day')}.`;
  const sum = items.reduce((total, { costUsd }) => total + costUsd, 0);
  return `${tableOf(COLUMNS, items, width)}\n${sum.toFixed(4)} USD in total.`;
}
