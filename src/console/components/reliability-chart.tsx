import type { ReliabilityPoint } from '../../outcomes/statistics/score-quality.js';

const SIZE = 240;
const RADIUS = { least: 3, most: 9 };

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** Observed conversion against the predicted one; on the diagonal the prediction is right. Larger points have more leads. */
export function ReliabilityChart({ points }: { points: ReliabilityPoint[] }) {
  const most = Math.max(1, ...points.map(({ leads }) => leads));
  const x = (share: number) => (share * SIZE).toFixed(1);
  const y = (share: number) => (SIZE - share * SIZE).toFixed(1);
  return (
    <svg
      class="chart"
      viewBox={`-34 -8 ${SIZE + 60} ${SIZE + 34}`}
      role="img"
      aria-label={`Reliability: ${points.length} groups of leads`}
    >
      <line class="axis" x1="0" x2={SIZE} y1={SIZE} y2={SIZE} />
      <line class="axis" x1="0" x2="0" y1="0" y2={SIZE} />
      <line class="limit" x1="0" x2={SIZE} y1={SIZE} y2="0" />
      <polyline class="line" points={points.map(({ predicted, observed }) => `${x(predicted)},${y(observed)}`).join(' ')} />
      {points.map(({ from, to, leads, predicted, observed }) => (
        <circle
          class="bar"
          cx={x(predicted)}
          cy={y(observed)}
          r={(RADIUS.least + (RADIUS.most - RADIUS.least) * Math.sqrt(leads / most)).toFixed(1)}
        >
          <title>{`Scores ${from}–${to}: predicted ${percent(predicted)}, converted ${percent(observed)} of ${leads}`}</title>
        </circle>
      ))}
      <text x="-4" y="6" text-anchor="end">
        100 %
      </text>
      <text x="-4" y={SIZE} text-anchor="end">
        0 %
      </text>
      <text x={SIZE / 2} y={SIZE + 20} text-anchor="middle">
        predicted
      </text>
      <text x={SIZE} y={SIZE + 20} text-anchor="end">
        100 %
      </text>
    </svg>
  );
}
