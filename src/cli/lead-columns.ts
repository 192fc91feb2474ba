import type { Column } from './format-table.js';
import { CSV_ONLY } from './format-table.js';
import type { Times } from './format-time.js';
import type { Summary } from './format-lead.js';

/** The columns of a list of leads. */
export function leadColumns(times: Times): Column<Summary>[] {
  return [
    { head: 'lead', field: 'id', value: ({ id }) => id, min: 8, rank: 10, isId: true },
    { head: 'state', field: 'state', value: ({ state }) => state, rank: 9 },
    {
      head: 'fit',
      field: 'fitScore',
      value: ({ fitScore }) => fitScore,
      cell: ({ fitScore }) => String(fitScore ?? '-'),
      rank: 7,
    },
    { head: 'intent', field: 'intent', value: ({ intent }) => intent, cell: ({ intent }) => intent ?? '-', rank: 2 },
    { head: 'name', field: 'name', value: ({ name }) => name, min: 10, rank: 6 },
    { head: 'e-mail', field: 'email', value: ({ email }) => email, min: 14, rank: 8 },
    { head: 'company', field: 'company', value: ({ attributes }) => attributes['company'], min: 8, rank: 4 },
    { head: 'campaign', field: 'campaignId', value: ({ campaignId }) => campaignId, min: 8, rank: 3 },
    {
      head: 'received',
      field: 'receivedAt',
      value: ({ timings }) => timings.receivedAt,
      cell: ({ timings }) => times.relative(timings.receivedAt),
      rank: 5,
    },
    { head: 'synced', field: 'syncedAt', value: ({ timings }) => timings.syncedAt, rank: CSV_ONLY },
    { head: 'last error', field: 'lastError', value: ({ lastError }) => lastError?.code, min: 10, rank: 1 },
  ];
}
