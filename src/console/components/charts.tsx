const WIDTH = 480;
const HEIGHT = 130;
/** Room for the labels of the axis, at the left. */
const LEFT = 34;

export interface Point {
  label: string;
  /** Null where nothing was measured; the line has a gap there. */
  value: number | null;
}

interface LineChartProps {
  title: string;
  points: Point[];
  unit: string;
  /** A value that should not be exceeded, as a dashed line. */
  limit?: number | undefined;
}

/** The next of 1, 2, 5, 10, 20, 50 …: an axis that ends there has round labels. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value - 1e-9)!;
}

/** A line over time with its area. The description for assistive technology gives the highest and the last value. */
export function LineChart({ title, points, unit, limit }: LineChartProps) {
  const values = points.flatMap(({ value }) => value ?? []);
  if (values.length === 0) return <p class="chart-empty">Nothing was measured in this time.</p>;
  const highest = Math.max(...values);
  const top = niceCeiling(Math.max(highest, unit === 's' ? 0.1 : 1));
  const step = (WIDTH - LEFT) / Math.max(1, points.length - 1);
  const x = (index: number) => (LEFT + index * step).toFixed(1);
  const y = (value: number) => (HEIGHT - (value / top) * (HEIGHT - 8)).toFixed(1);
  const [first, last] = [points[0], points.at(-1)];
  const description = `${title}: highest ${shown(highest)} ${unit}, last ${shown(values.at(-1)!)} ${unit}`;
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT + 20}`} role="img" aria-label={description}>
      {[top, top / 2].map((value) => (
        <>
          <line class="grid" x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} />
          <text x={LEFT - 6} y={Number(y(value)) + 4} text-anchor="end">
            {shown(value)}
          </text>
        </>
      ))}
      <text x={LEFT - 6} y={HEIGHT + 4} text-anchor="end">
        0
      </text>
      <line class="axis" x1={LEFT} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
      {runsOf(points).map((run) => {
        const path = run.map(({ index, value }) => `${x(index)},${y(value)}`).join(' ');
        const [from, to] = [x(run[0]!.index), x(run.at(-1)!.index)];
        return (
          <>
            <polygon class="area" points={`${from},${HEIGHT} ${path} ${to},${HEIGHT}`} />
            {run.length === 1 ? (
              <circle class="dot" cx={from} cy={y(run[0]!.value)} r="2.5" />
            ) : (
              <polyline class="line" points={path} />
            )}
          </>
        );
      })}
      {limit !== undefined && limit <= top ? <line class="limit" x1={LEFT} x2={WIDTH} y1={y(limit)} y2={y(limit)} /> : null}
      <text x={LEFT} y={HEIGHT + 17}>
        {first?.label}
      </text>
      <text x={WIDTH} y={HEIGHT + 17} text-anchor="end">
        {last?.label}
      </text>
    </svg>
  );
}

/** Points with a value, in unbroken runs. */
function runsOf(points: Point[]): { index: number; value: number }[][] {
  const runs: { index: number; value: number }[][] = [];
  for (const [index, { value }] of points.entries()) {
    if (value === null) continue;
    const run = runs.at(-1);
    if (run && run.at(-1)!.index === index - 1) run.push({ index, value });
    else runs.push([{ index, value }]);
  }
  return runs;
}

function shown(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export interface Bar {
  label: string;
  value: number;
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
        const middle = (index * slot + slot / 2).toFixed(1);
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
              <text x={middle} y={(HEIGHT - height - 3).toFixed(1)} text-anchor="middle">
                {value}
              </text>
            ) : null}
            <text class="small" x={middle} y={HEIGHT + 16} text-anchor="middle">
              {label}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

/** A share as a bar; from `warnFrom` on it is drawn as a warning, and from there and 1 on as too much. */
export function Meter({ label, share, warnFrom = 1 }: { label: string; share: number; warnFrom?: number }) {
  const tone = share < warnFrom ? 'bar' : share >= 1 ? 'bar-late' : 'bar-warn';
  return (
    <svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="track" width="100" height="6" />
      <rect class={tone} width={(100 * Math.min(1, Math.max(0, share))).toFixed(1)} height="6" />
    </svg>
  );
}
