import type { Tone } from './badges.js';
import { Text } from './text.js';
import { duration, Time } from './time.js';

export interface TimelineItem {
  at: string;
  /** Milliseconds since the event before; null for the first. */
  afterMs: number | null;
  sentence: string;
  tone: Tone;
  /** Field by field, for a revision or a correction. */
  changes: { field: string; from: string | null; to: string | null }[];
}

/** The history of a lead, with the time between its events. */
export function Timeline({ items, now }: { items: TimelineItem[]; now: Date }) {
  return (
    <ol class="timeline">
      {items.map(({ at, afterMs, sentence, tone, changes }) => (
        <li class={tone}>
          <span>
            <Text value={sentence} limit={1000} />
          </span>
          <span class="muted">
            <Time at={at} now={now} />
            {afterMs === null ? null : `, ${duration(afterMs)} later`}
          </span>
          {changes.length > 0 ? <Diff changes={changes} /> : null}
        </li>
      ))}
    </ol>
  );
}

/** What a revision or a correction changed, field by field. */
function Diff({ changes }: { changes: TimelineItem['changes'] }) {
  return (
    <dl class="diff">
      {changes.map(({ field, from, to }) => (
        <>
          <dt>
            <Text value={field} />
          </dt>
          <dd>
            {from === null ? null : (
              <del>
                <Text value={from} limit={200} />
              </del>
            )}
            {to === null ? null : (
              <ins>
                <Text value={to} limit={200} />
              </ins>
            )}
          </dd>
        </>
      ))}
    </dl>
  );
}
