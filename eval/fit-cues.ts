import { readFileSync, writeFileSync } from 'node:fs';
import { CUE_GROUPS, PITCH_CUE, REFUSED_CUE, saidCue, WISH_CUE } from '../src/enrichment/heuristic/cues.js';
import { messageCues } from '../src/enrichment/heuristic/message.js';
import { PROFILE } from '../src/enrichment/heuristic/profile.js';
import { loadLeads } from './dataset.js';
import { rankingAuc } from './measure.js';

// Fits the weights of cues.json on the dev split: multinomial logistic regression, one example per template, with a
// ridge so strong that no word group decides alone. Prints the result on templates that it was not fitted to.
const CLASSES = ['high', 'medium', 'low', 'none'] as const;
const FAMILIES = PROFILE.message.families.flatMap(({ id, negated }) => [
  saidCue(id, false),
  ...(negated ? [saidCue(id, true)] : []),
]);
const FEATURES = ['always', 'question', 'short', 'long', 'length', ...CUE_GROUPS, ...FAMILIES, PITCH_CUE, REFUSED_CUE, WISH_CUE];
const [RIDGE, STEPS, RATE, FOLDS] = [0.002, 1500, 1.2, 5];

/** The weight of blind leads: phrases were written with the other leads in view, so those would overfit. */
const BLIND_WEIGHT = 4;

interface Example {
  weight: number;
  x: number[];
  y: number;
}
type Weights = number[][];

const examples: Example[] = [];
const seen = new Set<string>();
for (const { id, split, intent, blind, lead } of loadLeads()) {
  const template = id.split('/', 1)[0]!;
  const message = lead.attributes['message'];
  if (split !== 'dev' || intent === 'unknown' || !message || seen.has(template)) continue;
  seen.add(template);
  add(message, intent, blind ? BLIND_WEIGHT : 1);
}

function add(message: string, intent: (typeof CLASSES)[number], weight: number): void {
  const cues = messageCues(message);
  examples.push({ x: FEATURES.map((name) => cues[name] ?? 0), y: CLASSES.indexOf(intent), weight });
}

function probabilities(weights: Weights, x: number[]): number[] {
  const sums = weights.map((row) => row.reduce((sum, weight, at) => sum + weight * x[at]!, 0));
  const top = Math.max(...sums);
  const powers = sums.map((sum) => Math.exp(sum - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function fit(train: Example[]): Weights {
  const weights: Weights = CLASSES.map(() => FEATURES.map(() => 0));
  const total = train.reduce((sum, { weight }) => sum + weight, 0);
  for (let step = 0; step < STEPS; step++) {
    const slope = weights.map((row) => row.map((weight) => RIDGE * weight));
    for (const { x, y, weight } of train) {
      probabilities(weights, x).forEach((p, k) => {
        const miss = ((p - (k === y ? 1 : 0)) * weight) / total;
        x.forEach((value, at) => (slope[k]![at]! += miss * value));
      });
    }
    weights.forEach((row, k) => row.forEach((_, at) => (row[at]! -= RATE * slope[k]![at]!)));
  }
  return weights;
}

const guesses = examples.map(() => [] as number[]);
for (let fold = 0; fold < FOLDS; fold++) {
  const weights = fit(examples.filter((_, at) => at % FOLDS !== fold));
  examples.forEach(({ x }, at) => {
    if (at % FOLDS === fold) guesses[at] = probabilities(weights, x);
  });
}
const right = examples.filter(({ y }, at) => guesses[at]!.indexOf(Math.max(...guesses[at]!)) === y).length;
const auc = rankingAuc(examples.map(({ y }, at) => ({ high: y === 0, score: guesses[at]![0]! })));
console.log(
  `${examples.length} templates, ${FOLDS} folds: right ${((100 * right) / examples.length).toFixed(0)} %, AUC of high intent ${auc.toFixed(3)}`,
);

const file = new URL('../src/enrichment/heuristic/cues.json', import.meta.url);
const json = JSON.parse(readFileSync(file, 'utf8')) as { weights: Record<string, Record<string, number>> };
fit(examples).forEach((row, k) => {
  json.weights[CLASSES[k]!] = Object.fromEntries(row.map((weight, at) => [FEATURES[at]!, Math.round(weight * 100) / 100]));
});
writeFileSync(file, `${JSON.stringify(json, null, 2)}\n`);
