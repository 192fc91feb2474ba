import type { z } from 'zod';
import type { LeadRouting, RoutingDryRun, RoutingOverview, simulationSchema } from '../ops/routing/routing.schemas.js';
import { tableOf, type Column } from './format-table.js';

export type Simulation = z.output<typeof simulationSchema>;
type Steps = Simulation['steps'];

/** Who owns a lead, and each step that was tried. */
export function decisionText({ owner, rule, pool, steps }: Simulation): string {
  const name = owner ? (owner.rep === null ? owner.crmUserId : `${owner.rep} (${owner.crmUserId})`) : 'assigned by the CRM';
  return [`Owner: ${name}, by ${rule}${pool === null ? '' : `, pool ${pool}`}`, ...stepLines(steps)].join('\n');
}

export function routingLines(routing: NonNullable<LeadRouting>): string[] {
  const { endedAt, endReason, earlier, rulesVersion } = routing;
  const state = endedAt === null ? '' : ` (ended: ${endReason})`;
  const before = earlier.map(({ owner, endReason: why }) => `  before: ${owner?.rep ?? owner?.crmUserId} (${why})`);
  return [`${decisionText(routing)}`.replace('\n', `; rules ${rulesVersion}${state}\n`), ...before];
}

function stepLines(steps: Steps): string[] {
  const width = Math.max(0, ...steps.map(({ outcome }) => outcome.length));
  return steps.map(({ name, outcome, why }) => `  ${outcome.padEnd(width)}  ${name}: ${why}`);
}

type MemberRow = RoutingOverview['pools'][number]['members'][number] & { pool: string; next: string };

export const MEMBER_COLUMNS: Column<MemberRow>[] = [
  { head: 'pool', field: 'pool', value: ({ pool }) => pool, rank: 9 },
  { head: 'rep', field: 'rep', value: ({ rep }) => rep, rank: 10 },
  { head: 'weight', field: 'weight', value: ({ weight }) => weight, rank: 5 },
  { head: 'assigned', field: 'assigned', value: ({ assigned }) => assigned, rank: 8 },
  { head: 'share', field: 'expected', value: ({ expected }) => expected, rank: 7 },
  { head: 'owed', field: 'credit', value: ({ credit }) => credit, rank: 6 },
  { head: 'next', field: 'next', value: ({ next }) => next, rank: 4 },
  { head: 'why not now', field: 'away', value: ({ away }) => away ?? '', rank: 3 },
];

export function memberRows({ pools }: RoutingOverview): MemberRow[] {
  return pools.flatMap(({ name, next, members }) =>
    members.map((member) => ({ ...member, pool: name, next: member.rep === next ? 'next' : '' })),
  );
}

export function overviewText(overview: RoutingOverview, width: number): string {
  const { on, version, ofFile } = overview;
  if (!on) return 'Routing is off: ROUTING_RULES is not set, and owners are left to the CRM.';
  const drift = ofFile ? '' : ' These are not the rules of the file.';
  const rows = memberRows(overview);
  const table = rows.length === 0 ? 'The rules have no pools.' : tableOf(MEMBER_COLUMNS, rows, width);
  return [`Version ${version} of the rules is active.${drift}`, table].join('\n');
}

export const VERSION_COLUMNS: Column<RoutingOverview['versions'][number]>[] = [
  { head: 'version', field: 'version', value: ({ version }) => version, rank: 10 },
  { head: 'status', field: 'active', value: ({ active }) => active, cell: ({ active }) => (active ? 'active' : ''), rank: 9 },
  { head: 'stored', field: 'at', value: ({ at }) => at, rank: 5 },
  { head: 'by', field: 'who', value: ({ who }) => who, rank: 6 },
  { head: 'note', field: 'note', value: ({ note }) => note, rank: 4 },
];

type OwnerRow = RoutingDryRun['owners'][number];
export const OWNER_COLUMNS: Column<OwnerRow>[] = [
  { head: 'owner', field: 'owner', value: ({ owner }) => owner, rank: 10 },
  { head: 'now', field: 'current', value: ({ current }) => current, rank: 9 },
  { head: 'then', field: 'proposed', value: ({ proposed }) => proposed, rank: 8 },
];

const DIFFERENCE_COLUMNS: Column<RoutingDryRun['differences'][number]>[] = [
  { head: 'lead', field: 'leadId', value: ({ leadId }) => leadId, rank: 10 },
  { head: 'now', field: 'current', value: ({ current }) => current, rank: 9 },
  { head: 'then', field: 'proposed', value: ({ proposed }) => proposed, rank: 8 },
  { head: 'rule', field: 'rule', value: ({ rule }) => rule, rank: 7 },
];

export function routingDryRunText({ leads, changed, owners, differences }: RoutingDryRun, width: number): string {
  const head = `${changed} of the newest ${leads} leads would have another owner if they came in now.`;
  if (leads === 0) return 'There are no scored leads.';
  const tables = [tableOf(OWNER_COLUMNS, owners, width)];
  if (differences.length > 0) tables.push(tableOf(DIFFERENCE_COLUMNS, differences, width));
  return [head, ...tables].join('\n');
}
