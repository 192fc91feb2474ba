import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { REPORT_GROUPS } from '../first-touch/report-groups.js';
import type { firstTouchReportSchema } from '../ops/first-touch/first-touch.schemas.js';
import { tableOf, type Column } from './format-table.js';
import { counted } from './format-text.js';
import { readCount, withQuery } from './paging.js';
import type { Session } from './session.js';

type Report = z.output<typeof firstTouchReportSchema>;
type Row = Report['groups'][number];

const minutes = (value: number | null) => (value === null ? '-' : `${value.toFixed(1)} min`);
const share = ({ inTime, late }: Row) => (inTime + late === 0 ? null : inTime / (inTime + late));
const percent = (value: number | null) => (value === null ? '-' : `${(value * 100).toFixed(1)} %`);

const COLUMNS: Column<Row>[] = [
  { head: 'group', field: 'group', value: ({ group }) => group, cell: ({ group }) => group ?? '(none)', min: 10, rank: 10 },
  { head: 'leads', field: 'clocks', value: ({ clocks }) => clocks, rank: 9 },
  { head: 'in time', field: 'inTime', value: ({ inTime }) => inTime, rank: 6 },
  { head: 'late', field: 'late', value: ({ late }) => late, rank: 7 },
  { head: 'share', field: 'share', value: share, cell: (row) => percent(share(row)), rank: 8 },
  {
    head: 'p50',
    field: 'p50',
    value: (row) => row.businessMinutes.p50,
    cell: (row) => minutes(row.businessMinutes.p50),
    rank: 5,
  },
  {
    head: 'p90',
    field: 'p90',
    value: (row) => row.businessMinutes.p90,
    cell: (row) => minutes(row.businessMinutes.p90),
    rank: 4,
  },
  { head: 'open', field: 'open', value: ({ open }) => open, rank: 3 },
  { head: 'passed on', field: 'passedOn', value: ({ passedOn }) => passedOn, rank: 2 },
  { head: 'junk', field: 'junk', value: ({ junk }) => junk, rank: 1 },
];

/** `routing first-touch`: do owners act on their leads in time? */
export function addFirstTouchCommand(routing: Command, session: Session): void {
  routing
    .command('first-touch')
    .description('show how soon owners act on their leads')
    .addOption(new Option('--by <group>', 'what to group by').choices(REPORT_GROUPS).default('owner'))
    .addOption(new Option('--days <n>', 'clocks that started in the last n days').argParser(readCount).default(7))
    .action(async ({ by, days }: { by: string; days: number }) => {
      const { client, output } = session;
      const report = await client.get<Report>(withQuery('/ops/routing/first-touch', { by, days }));
      await output.report(report, report.groups, { columns: COLUMNS }, () => textOf(report, output.width));
    });
}

function textOf({ days, by, all, groups }: Report, width: number): string {
  const { touched, inTime, late, wallMinutes } = all;
  return [
    `${counted(all.clocks, 'clock')} started in the last ${counted(days, 'day')}: ${touched} touched, ${inTime} in time, ${late} late.`,
    ...(groups.length === 0 ? [] : [tableOf(COLUMNS, groups, width)]),
    `By ${by}; p50 and p90 are working time of the owner. By the calendar: ${minutes(wallMinutes.p50)} and ${minutes(wallMinutes.p90)}.`,
  ].join('\n');
}
