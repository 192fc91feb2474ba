import type { Evidence } from '../../domain/enrichment.js';
import { Text } from './text.js';

const WIDTH = 480;
const HEIGHT = 120;

export interface Point {
  label: string;
  value: number;
}

/** A line over time with its area; `unit` is read out with each value by assistive technology through the title. */
export function LineChart({ title, points, unit }: { title: string; points: Point[]; unit: string }) {
  const highest = Math.max(1, ...points.map((point) => point.value));
  const step = points.length > 1 ? WIDTH / (points.length - 1) : WIDTH;
  const at = (value: number) => (HEIGHT - (value / highest) * (HEIGHT - 10)).toFixed(1);
  const path = points.map((point, index) => `${(index * step).toFixed(1)},${at(point.value)}`).join(' ');
  const [first, last] = [points[0], points.at(-1)];
  return (
    <svg class="chart" viewBox={`0 -4 ${WIDTH} ${HEIGHT + 24}`} role="img" aria-label={`${title}: at most ${highest} ${unit}`}>
      <line class="axis" x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
      <polygon class="area" points={`0,${HEIGHT} ${path} ${WIDTH},${HEIGHT}`} />
      <polyline class="line" points={path} />
      <text x="0" y="6">
        {`${highest} ${unit}`}
      </text>
      <text x="0" y={HEIGHT + 16}>
        {first?.label}
      </text>
      <text x={WIDTH} y={HEIGHT + 16} text-anchor="end">
        {last?.label}
      </text>
    </svg>
  );
}

export interface Bar extends Point {
  /** Drawn in the colour of what is too late. */
  late?: boolean;
}

export function BarChart({ title, bars, unit }: { title: string; bars: Bar[]; unit: string }) {
  const highest = Math.max(1, ...bars.map((bar) => bar.value));
  const slot = WIDTH / Math.max(1, bars.length);
  return (
    <svg class="chart" viewBox={`0 -14 ${WIDTH} ${HEIGHT + 34}`} role="img" aria-label={title}>
      <line class="axis" x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
      {bars.map(({ label, value, late }, index) => {
        const height = (value / highest) * (HEIGHT - 4);
        return (
          <g>
            <title>{`${label}: ${value} ${unit}`}</title>
            <rect
              class={late ? 'bar-late' : 'bar'}
              x={(index * slot + slot * 0.12).toFixed(1)}
              width={(slot * 0.76).toFixed(1)}
              y={(HEIGHT - height).toFixed(1)}
              height={height.toFixed(1)}
              rx="2"
            />
            {value > 0 ? (
              <text x={(index * slot + slot / 2).toFixed(1)} y={(HEIGHT - height - 3).toFixed(1)} text-anchor="middle">
                {value}
              </text>
            ) : null}
            <text x={(index * slot + slot / 2).toFixed(1)} y={HEIGHT + 16} text-anchor="middle">
              {label}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

function signed(points: number): string {
  return points > 0 ? `+${points}` : String(points).replace('-', '−');
}

function polarityOf(points: number): string {
  return points >= 0 ? 'positive' : 'negative';
}

/** Each reason of a score as a step from the running sum to the next. Reasons without points are listed without a bar. */
export function Waterfall({ evidence, total }: { evidence: Evidence[]; total: number }) {
  let sum = 0;
  const steps = evidence.map((item) => {
    const from = sum;
    sum += item.points ?? 0;
    return { ...item, from, to: sum };
  });
  const low = Math.min(0, ...steps.map((step) => step.to));
  const high = Math.max(100, ...steps.map((step) => step.to));
  const scale = (value: number) => ((value - low) / (high - low)) * 200;
  return (
    <div class="table-wrap" role="region" aria-label="How the score adds up" tabIndex={0}>
      <table class="waterfall">
        <caption class="visually-hidden">How the score adds up</caption>
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col" class="num">
              Points
            </th>
            <th scope="col">Running total</th>
          </tr>
        </thead>
        <tbody>
          {steps.map(({ signal, points, from, to }) => (
            <tr>
              <th scope="row">
                <Text value={signal} />
              </th>
              <td class="num">{points === undefined ? '–' : signed(points)}</td>
              <td>
                {points === undefined ? null : (
                  <svg class="chart" viewBox="0 0 240 14" role="img" aria-label={`from ${from} to ${to}`}>
                    <rect
                      class={polarityOf(points)}
                      x={scale(Math.min(from, to)).toFixed(1)}
                      width={Math.max(1.5, scale(Math.max(from, to)) - scale(Math.min(from, to))).toFixed(1)}
                      y="1"
                      height="12"
                      rx="2"
                    />
                    <text x={(scale(Math.max(from, to)) + 5).toFixed(1)} y="11">
                      {to}
                    </text>
                  </svg>
                )}
              </td>
            </tr>
          ))}
          <tr>
            <th scope="row">
              <strong>Fit score</strong>
            </th>
            <td class="num">
              <strong>{total}</strong>
            </td>
            <td>
              <svg class="chart" viewBox="0 0 240 14" role="img" aria-label={`${total} of 100`}>
                <rect
                  class="total"
                  x={scale(0).toFixed(1)}
                  width={(scale(total) - scale(0)).toFixed(1)}
                  y="1"
                  height="12"
                  rx="2"
                />
              </svg>
            </td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}
