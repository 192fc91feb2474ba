import type { Evidence } from '../../domain/enrichment.js';
import { Text } from './text.js';

const WIDTH = 220;

export interface Step {
  signal: string;
  points: number;
  from: number;
  to: number;
}

/**
 * The reasons of a score as steps from 0 to its total. What the points do not explain is a step of its own, so that the
 * last step always ends at the total. Null where no reason has points: a model gives none.
 */
export function stepsOf(evidence: Evidence[], total: number): Step[] | null {
  if (!evidence.some(({ points }) => points !== undefined)) return null;
  const steps: Step[] = [];
  let sum = 0;
  const add = (signal: string, points: number) => {
    steps.push({ signal, points, from: sum, to: sum + points });
    sum += points;
  };
  for (const { signal, points } of evidence) if (points !== undefined) add(signal, points);
  if (Math.abs(total - sum) > 1e-9) add('not explained by the reasons', total - sum);
  return steps;
}

function signed(points: number): string {
  const rounded = Math.round(points * 100) / 100;
  return rounded > 0 ? `+${rounded}` : String(rounded).replace('-', '−');
}

interface WaterfallProps {
  evidence: Evidence[];
  total: number;
  /** Which score it is, where a page shows more than one. */
  of?: string;
}

/** Each reason of a score as a step from the running sum to the next; reasons without points as a list. */
export function Waterfall({ evidence, total, of = 'the score' }: WaterfallProps) {
  const steps = stepsOf(evidence, total);
  const others = evidence.filter(({ points }) => points === undefined);
  return (
    <>
      {steps ? <Steps steps={steps} total={total} caption={`How ${of} adds up`} /> : null}
      {others.length > 0 ? (
        <ul class="reasons">
          {others.map(({ signal, polarity }) => (
            <li class={polarity}>
              <Text value={signal} />
              <span class="visually-hidden">{` (${polarity})`}</span>
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

function Steps({ steps, total, caption }: { steps: Step[]; total: number; caption: string }) {
  const ends = steps.map(({ to }) => to);
  const low = Math.min(0, ...ends);
  const high = Math.max(100, ...ends);
  const scale = (value: number) => ((value - low) / (high - low)) * WIDTH;
  return (
    <div class="table-wrap" role="region" aria-label={caption} tabIndex={0}>
      <table class="waterfall">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col" class="num">
              Points
            </th>
            <th scope="col">Running total, 0 to 100</th>
          </tr>
        </thead>
        <tbody>
          {steps.map(({ signal, points, from, to }) => {
            const tone = /^base\b/i.test(signal) ? 'base' : points >= 0 ? 'positive' : 'negative';
            return (
              <tr>
                <th scope="row">
                  <Text value={signal} />
                </th>
                <td class={`num ${tone}-text`}>{signed(points)}</td>
                <td>
                  <Bar
                    tone={tone}
                    label={`from ${from} to ${to}`}
                    start={scale(Math.min(from, to))}
                    end={scale(Math.max(from, to))}
                  >
                    {String(Math.round(to * 100) / 100)}
                  </Bar>
                </td>
              </tr>
            );
          })}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Fit score</th>
            <td class="num">{total}</td>
            <td>
              <Bar tone="total" label={`${total} of 100`} start={scale(0)} end={scale(total)}>
                {String(total)}
              </Bar>
            </td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Bar(bar: { tone: string; label: string; start: number; end: number; children: string }) {
  const { tone, label, start, end, children } = bar;
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH + 30} 14`} role="img" aria-label={label}>
      <line class="grid" x1="0" x2={WIDTH} y1="13.5" y2="13.5" />
      <rect class={tone} x={start.toFixed(1)} width={Math.max(1.5, end - start).toFixed(1)} y="2" height="9" rx="1.5" />
      <text x={(end + 5).toFixed(1)} y="10.5">
        {children}
      </text>
    </svg>
  );
}
