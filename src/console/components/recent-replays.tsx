import type { BulkActionSummary } from '../../ledger/bulk-actions.repository.js';
import type { Viewer } from '../layout.js';
import { Badge } from './badges.js';
import { Live } from './blocks.js';
import { Table } from './table.js';
import { Text } from './text.js';
import { Time } from './time.js';

/** Actions that a list shows. */
export const RECENT_REPLAYS = 5;

/** The latest bulk actions of a page, so that their progress can be found again. */
export function RecentReplays({ replays, viewer }: { replays: BulkActionSummary[]; viewer: Viewer }) {
  return (
    <Live id="replays">
      {replays.length > 0 ? (
        <>
          <h2>Recent replays of many</h2>
          <Table
            caption="Recent replays"
            columns={[
              {
                title: 'Started',
                cell: ({ id, at }) => (
                  <a href={`/console/bulk/${id}`}>
                    <Time at={at} now={viewer.now} />
                  </a>
                ),
              },
              { title: 'By', cell: ({ who }) => <Text value={who} /> },
              { title: 'Rows', cell: ({ rows }) => rows, numeric: true },
              {
                title: 'State',
                cell: ({ open }) =>
                  open > 0 ? <Badge tone="accent">{`${open} not begun`}</Badge> : <Badge tone="good">all begun</Badge>,
              },
            ]}
            rows={replays}
          />
        </>
      ) : null}
    </Live>
  );
}
