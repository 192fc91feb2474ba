import type { Scored } from './measure.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [480, 300, 50, 250, 40];
const BINS = 5;

/** How often a lead of each range of scores was of high intent: a scorer that ranks well rises from left to right. */
export function calibrationPlot(title: string, scored: readonly Scored[]): string {
  const bins = Array.from({ length: BINS }, (_, at) => {
    const [from, to] = [(at * 100) / BINS, ((at + 1) * 100) / BINS];
    const inside = scored.filter(
      ({ got }) => got !== null && got.fitScore >= from && (got.fitScore < to || (to === 100 && got.fitScore === 100)),
    );
    return { from, to, count: inside.length, high: inside.filter(({ labelled }) => labelled.intent === 'high').length };
  });
  const width = (WIDTH - LEFT - 20) / BINS;
  const bars = bins.map(({ from, to, count, high }, at) => {
    const share = count === 0 ? 0 : high / count;
    const height = share * (BOTTOM - TOP);
    const x = LEFT + at * width;
    const middle = x + width / 2;
    return [
      `<rect x="${x + 6}" y="${(BOTTOM - height).toFixed(1)}" width="${(width - 12).toFixed(1)}" height="${height.toFixed(1)}" fill="#2f6f9f"/>`,
      `<text x="${middle}" y="${(BOTTOM - height - 6).toFixed(1)}" text-anchor="middle">${count === 0 ? '–' : `${(share * 100).toFixed(0)} %`}</text>`,
      `<text x="${middle}" y="${BOTTOM + 16}" text-anchor="middle">${from}–${to}</text>`,
      `<text x="${middle}" y="${BOTTOM + 31}" text-anchor="middle" fill="#666">n = ${count}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="20" font-size="14">${title.replaceAll(/[<>&]/g, '')}: share of high intent by fit score</text>
<line x1="${LEFT}" y1="${BOTTOM}" x2="${WIDTH - 20}" y2="${BOTTOM}" stroke="#333"/>
${bars.join('\n')}
</svg>
`;
}
