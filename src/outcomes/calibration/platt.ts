/** Leads with the same value: how many converted and how many did not. */
export interface GroupedPoint {
  x: number;
  positives: number;
  negatives: number;
}

/** p = 1 / (1 + exp(a·x + b)) */
export interface Sigmoid {
  a: number;
  b: number;
}

const MAX_ITERATIONS = 100;
/** Added to the Hessian's diagonal, so that it can be inverted. */
const RIDGE = 1e-12;
const SMALLEST_STEP = 1e-10;
const GRADIENT_LIMIT = 1e-6;

export function sigmoidAt({ a, b }: Sigmoid, x: number): number {
  const z = a * x + b;
  // Written so that exp never overflows.
  return z >= 0 ? Math.exp(-z) / (1 + Math.exp(-z)) : 1 / (1 + Math.exp(z));
}

/**
 * Platt's sigmoid, fitted by Newton's method with backtracking (Lin, Lin and Weng 2007, algorithm 1). Targets are
 * corrected for the prior: (n₊+1)/(n₊+2) and 1/(n₋+2), so that few outcomes never give certainty.
 */
export function fitSigmoid(points: GroupedPoint[]): Sigmoid {
  const positives = points.reduce((count, point) => count + point.positives, 0);
  const negatives = points.reduce((count, point) => count + point.negatives, 0);
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (negatives + 2);
  const grouped = points.map(({ x, positives: up, negatives: down }) => ({
    x,
    weight: up + down,
    target: up * high + down * low,
  }));
  let fit: Sigmoid = { a: 0, b: Math.log((negatives + 1) / (positives + 1)) };
  let loss = lossOf(grouped, fit);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const { gradient, direction } = newtonStep(grouped, fit);
    if (Math.abs(gradient.a) < GRADIENT_LIMIT && Math.abs(gradient.b) < GRADIENT_LIMIT) break;
    const slope = gradient.a * direction.a + gradient.b * direction.b;
    let step = 1;
    for (; step >= SMALLEST_STEP; step /= 2) {
      const next = { a: fit.a + step * direction.a, b: fit.b + step * direction.b };
      const nextLoss = lossOf(grouped, next);
      if (nextLoss >= loss + 1e-4 * step * slope) continue;
      fit = next;
      loss = nextLoss;
      break;
    }
    if (step < SMALLEST_STEP) break;
  }
  return fit;
}

interface Target {
  x: number;
  weight: number;
  /** The sum of the group's targets. */
  target: number;
}

/** The cross-entropy, written so that it does not overflow. */
function lossOf(points: Target[], { a, b }: Sigmoid): number {
  return points.reduce((loss, { x, weight, target }) => {
    const z = a * x + b;
    return loss + target * z + weight * (z >= 0 ? Math.log1p(Math.exp(-z)) : -z + Math.log1p(Math.exp(z)));
  }, 0);
}

function newtonStep(points: Target[], fit: Sigmoid): { gradient: Sigmoid; direction: Sigmoid } {
  let [aa, bb, ab, ga, gb] = [RIDGE, RIDGE, 0, 0, 0];
  for (const { x, weight, target } of points) {
    const p = sigmoidAt(fit, x);
    const curvature = weight * p * (1 - p);
    aa += x * x * curvature;
    bb += curvature;
    ab += x * curvature;
    const slope = target - weight * p;
    ga += x * slope;
    gb += slope;
  }
  const determinant = aa * bb - ab * ab;
  const direction = { a: -(bb * ga - ab * gb) / determinant, b: -(aa * gb - ab * ga) / determinant };
  return { gradient: { a: ga, b: gb }, direction };
}
