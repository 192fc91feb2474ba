/** Values with the same x are one point, with their mean as y. */
export interface WeightedPoint {
  x: number;
  y: number;
  weight: number;
}

/** Points of a non-decreasing function, linear between them and constant outside. x ascends. */
export interface Knot {
  x: number;
  y: number;
}

interface Block extends WeightedPoint {
  first: number;
}

/**
 * Isotonic regression by pooling adjacent violators: the non-decreasing function with the least weighted squared error.
 * It keeps the weighted mean. `points` are ordered by x, and each x occurs once.
 * @returns the fitted value at each point.
 */
export function fitIsotonic(points: WeightedPoint[]): number[] {
  const blocks: Block[] = [];
  for (const [index, point] of points.entries()) {
    let block: Block = { ...point, first: index };
    for (let before = blocks.at(-1); before && before.y >= block.y; before = blocks.at(-1)) {
      blocks.pop();
      const weight = before.weight + block.weight;
      block = { ...block, first: before.first, weight, y: (before.y * before.weight + block.y * block.weight) / weight };
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ first, y }, index) => {
    const end = blocks[index + 1]?.first ?? points.length;
    return Array.from({ length: end - first }, () => y);
  });
}

/** The first and the last point of each level: what lies between them is on the same line. */
export function knotsOf(points: WeightedPoint[], fitted: number[]): Knot[] {
  return points.flatMap(({ x }, index) => {
    const y = fitted[index]!;
    const inside = index > 0 && index < points.length - 1 && fitted[index - 1] === y && fitted[index + 1] === y;
    return inside ? [] : [{ x, y }];
  });
}

export function interpolate(knots: Knot[], x: number): number {
  const above = knots.findIndex((knot) => knot.x >= x);
  if (above < 0) return knots.at(-1)!.y;
  const right = knots[above]!;
  const left = knots[above - 1];
  if (!left || right.x === x) return right.y;
  return left.y + ((right.y - left.y) * (x - left.x)) / (right.x - left.x);
}
