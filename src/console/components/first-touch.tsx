import type { Journey } from '../../ops/leads.service.js';
import type { Viewer } from '../layout.js';
import { Card, Facts } from './blocks.js';
import { Table } from './table.js';
import { Text } from './text.js';
import { Time } from './time.js';

type Clock = Journey['firstTouch'][number];

/** The clock of the present owner until the first touch, and what is done while no person acts. */
export function FirstTouch({ clocks, viewer }: { clocks: Clock[]; viewer: Viewer }) {
  const clock = clocks.at(-1);
  if (!clock) return null;
  const { ownerId, slaMinutes, startedAt, dueAt, touch, touchedAt, businessMinutes, steps } = clock;
  const time = (at: string | null) => (at === null ? null : <Time at={at} now={viewer.now} />);
  const earlier = clocks.slice(0, -1).map((each) => `${each.ownerId} (${each.endReason ?? 'open'})`);
  return (
    <Card title="First touch" aside={stateOf(clock)}>
      <Facts
        items={[
          ['Owner', <Text value={ownerId} />],
          ['Allowed', `${slaMinutes} min of working time`],
          ['Started', time(startedAt)],
          ['Due', time(dueAt)],
          ['Touched', touchedAt === null ? null : time(touchedAt)],
          ['By', touch === null ? null : <Text value={touch} />],
          ['After', businessMinutes === null ? null : `${businessMinutes.toFixed(1)} min of working time`],
          ['Before', earlier.length === 0 ? null : <Text value={earlier.join(', ')} />],
        ]}
      />
      <Table
        caption="Steps of the clock"
        layout="fields"
        columns={[
          { title: 'Step', cell: ({ kind }) => <Text value={kind} /> },
          { title: 'Due', cell: (step) => time(step.dueAt) },
          { title: 'Outcome', cell: ({ outcome }) => <Text value={outcome ?? 'open'} /> },
        ]}
        rows={steps}
      />
    </Card>
  );
}

function stateOf({ touchedAt, dueAt, endReason, startedAt }: Clock): string {
  if (touchedAt !== null) return dueAt !== null && touchedAt <= dueAt ? 'touched in time' : 'touched late';
  if (endReason !== null) return endReason;
  return startedAt === null ? 'not in the CRM yet' : 'runs';
}
