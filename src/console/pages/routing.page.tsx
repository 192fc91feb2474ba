import type { LeadRouting, RoutingOverview } from '../../ops/routing/routing.schemas.js';
import { Badge } from '../components/badges.js';
import { Card, Empty, Facts, Live, Notice, PageHead } from '../components/blocks.js';
import { Pager, Table } from '../components/table.js';
import { IN_A_LIST, Text, visibleText } from '../components/text.js';
import { Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

/** Rows of all pools together, and reps with their absences: beside the decisions, the page stays below 100 KB. */
const MEMBERS_SHOWN = 100;
const ABSENCES_SHOWN = 50;

type Decision = Omit<NonNullable<LeadRouting>, 'earlier'>;

export interface RoutingView {
  overview: RoutingOverview;
  decisions: { items: (Decision & { leadId: string })[]; nextCursor: string | null };
  /** The owner whose decisions are listed; empty: all. */
  owner: string;
}

export function RoutingPage({ viewer, view }: { viewer: Viewer; view: RoutingView }) {
  const { overview } = view;
  return (
    <Layout title="Routing" section="/console/routing" viewer={viewer}>
      <PageHead title="Routing" about="Who owns new leads, and why." />
      {overview.on ? null : (
        <Empty title="Routing is off">
          <p>Owners are left to the CRM. Set ROUTING_RULES to the path of a rules file and restart.</p>
        </Empty>
      )}
      {overview.on && !overview.ofFile ? (
        <Notice tone="warn" title={`Version ${overview.version} is active, which is not the file of ROUTING_RULES`} />
      ) : null}
      <Live id="pools">
        {overview.pools.map((pool, index) => (
          <Pool pool={pool} shown={Math.max(0, MEMBERS_SHOWN - membersOf(overview.pools.slice(0, index)))} />
        ))}
      </Live>
      {overview.on ? <Members members={overview.members} viewer={viewer} /> : null}
      {overview.on ? <Decisions view={view} viewer={viewer} /> : null}
      {overview.on ? <Versions versions={overview.versions} viewer={viewer} /> : null}
    </Layout>
  );
}

type PoolState = RoutingOverview['pools'][number];

const membersOf = (pools: PoolState[]) => pools.reduce((sum, { members }) => sum + members.length, 0);

function Pool({ pool, shown }: { pool: PoolState; shown: number }) {
  return (
    <Card title={`Pool ${pool.name}`} aside={pool.next === null ? 'no member is available' : `next: ${pool.next}`}>
      <Table
        caption={`Members of the pool ${pool.name}`}
        columns={[
          { title: 'Rep', cell: ({ rep }) => <Text value={rep} limit={IN_A_LIST} /> },
          { title: 'Weight', cell: ({ weight }) => weight, numeric: true },
          { title: 'Leads given', cell: ({ assigned }) => assigned, numeric: true },
          { title: 'Fair share', cell: ({ expected }) => expected.toFixed(1), numeric: true },
          { title: 'Leads owed', cell: ({ credit }) => credit.toFixed(2), numeric: true },
          {
            title: 'Now',
            cell: ({ rep, away }) =>
              away === null ? (
                <Badge tone="good">{rep === pool.next ? 'next' : 'available'}</Badge>
              ) : (
                <Badge tone="warn">{away.replace(/^is /, '')}</Badge>
              ),
          },
        ]}
        rows={pool.members.slice(0, shown)}
      />
      <More count={pool.members.length - shown} what="members" command="npx revenueflow routing fairness" />
    </Card>
  );
}

function More({ count, what, command }: { count: number; what: string; command: string }) {
  if (count <= 0) return null;
  return (
    <p class="muted">
      {`${count} more ${what}: `}
      <code>{command}</code>
    </p>
  );
}

function Members({ members, viewer }: { members: RoutingOverview['members']; viewer: Viewer }) {
  return (
    <Card title="Absences" aside="those of the rules file come on top">
      <Table
        caption="Absences of reps"
        columns={[
          { title: 'Rep', cell: ({ rep }) => <Text value={rep} limit={IN_A_LIST} /> },
          { title: 'In the CRM', cell: ({ crmUserId }) => <Text value={crmUserId} limit={IN_A_LIST} /> },
          {
            title: 'State',
            cell: ({ active }) => <Badge tone={active ? 'good' : 'bad'}>{active ? 'active' : 'inactive'}</Badge>,
          },
          { title: 'Away', cell: (member) => <Absences member={member} viewer={viewer} /> },
        ]}
        rows={members.slice(0, ABSENCES_SHOWN)}
      />
      <More count={members.length - ABSENCES_SHOWN} what="reps" command="npx revenueflow routing absences <rep>" />
    </Card>
  );
}

function Absences({ member, viewer }: { member: RoutingOverview['members'][number]; viewer: Viewer }) {
  const text = member.absences.map(({ from, to }) => (from === to ? from : `${from}..${to}`)).join(', ');
  if (!viewer.canAct) return <Text value={text} />;
  return (
    <form method="post" action="/console/routing/absences" class="inline row">
      <input type="hidden" name="formToken" value={viewer.formToken} />
      <input type="hidden" name="rep" value={member.rep} />
      <input
        name="absences"
        value={text}
        placeholder="2026-12-24..2026-12-31"
        aria-label={visibleText(`Absences of ${member.rep}`)}
      />
      <button>Save</button>
    </form>
  );
}

function Decisions({ view, viewer }: { view: RoutingView; viewer: Viewer }) {
  const { items, nextCursor } = view.decisions;
  const query = new URLSearchParams(view.owner === '' ? {} : { owner: view.owner });
  if (nextCursor) query.set('cursor', nextCursor);
  return (
    <Card title="Decisions">
      <form method="get" action="/console/routing" class="row">
        <label>
          {'Owner '}
          <input name="owner" value={view.owner} placeholder="a rep, or a user of the CRM" aria-label="Owner" />
        </label>
        <button>Filter</button>
      </form>
      <Table
        caption="Decisions"
        columns={[
          { title: 'Decided', cell: ({ decidedAt }) => <Time at={decidedAt} now={viewer.now} /> },
          { title: 'Lead', cell: ({ leadId }) => <a href={`/console/leads/${leadId}`}>{leadId.slice(0, 8)}</a> },
          { title: 'Owner', cell: ({ owner }) => <Text value={owner?.rep ?? owner?.crmUserId ?? ''} limit={IN_A_LIST} /> },
          {
            title: 'By',
            cell: ({ rule, pool }) => <Text value={pool === null ? rule : `${rule}, pool ${pool}`} limit={IN_A_LIST} />,
          },
          { title: 'Why', cell: ({ steps }) => <Text value={steps.at(-1)?.why ?? ''} limit={IN_A_LIST} /> },
          { title: 'State', cell: (decision) => stateOf(decision) },
        ]}
        rows={items}
      />
      <Pager first={null} next={nextCursor ? `/console/routing?${query}` : null} />
    </Card>
  );
}

function stateOf({ writtenAt, endReason }: Decision): string {
  if (endReason !== null) return `ended: ${endReason}`;
  return writtenAt === null ? 'not in the CRM yet' : 'in the CRM';
}

function Versions({ versions, viewer }: { versions: RoutingOverview['versions']; viewer: Viewer }) {
  return (
    <Card title="Versions of the rules" aside="npx revenueflow routing rules">
      <Table
        caption="Versions of the rules"
        columns={[
          { title: 'Version', cell: ({ version }) => version },
          { title: 'Stored', cell: ({ at }) => <Time at={at} now={viewer.now} /> },
          { title: 'By', cell: ({ who }) => <Text value={who} limit={IN_A_LIST} /> },
          { title: 'Note', cell: ({ note }) => <Text value={note} limit={IN_A_LIST} /> },
          { title: 'State', cell: ({ active }) => (active ? <Badge tone="good">active</Badge> : '') },
        ]}
        rows={versions.slice(0, 20)}
      />
    </Card>
  );
}

/** On the page of a lead: its owner and each step that was tried. */
export function RoutingCard({ routing, viewer }: { routing: NonNullable<LeadRouting>; viewer: Viewer }) {
  const { owner, rule, pool, rulesVersion, decidedAt, writtenAt, steps, earlier } = routing;
  return (
    <Card title="Owner" aside={stateOf(routing)}>
      <Facts
        items={[
          ['Owner', <Text value={owner?.rep ?? owner?.crmUserId ?? ''} limit={IN_A_LIST} />],
          ['In the CRM', <Text value={owner?.crmUserId ?? ''} />],
          ['Rule', <Text value={rule} limit={IN_A_LIST} />],
          ['Pool', pool === null ? null : <Text value={pool} />],
          ['Rules', `version ${rulesVersion}`],
          ['Decided', <Time at={decidedAt} now={viewer.now} />],
          ['Written', writtenAt === null ? null : <Time at={writtenAt} now={viewer.now} />],
          [
            'Before',
            earlier.length === 0 ? null : (
              <Text value={earlier.map((each) => each.owner?.rep ?? each.owner?.crmUserId).join(', ')} />
            ),
          ],
        ]}
      />
      <Table
        caption="Steps of the decision"
        layout="fields"
        columns={[
          { title: 'Step', cell: ({ name }) => <Text value={name} /> },
          { title: 'Outcome', cell: ({ outcome }) => <Badge tone={outcome === 'chosen' ? 'good' : 'plain'}>{outcome}</Badge> },
          { title: 'Why', cell: ({ why }) => <Text value={why} limit={400} /> },
        ]}
        rows={steps}
      />
    </Card>
  );
}
