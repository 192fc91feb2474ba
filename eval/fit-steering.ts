import { readFileSync, writeFileSync } from 'node:fs';
import { likelihoodOf, segmentsOf, STEERING_FEATURES } from '../src/enrichment/heuristic/prompt-injection/features.js';
import { loadLeads, loadOrders } from './dataset.js';

// Fits the weights of steering.json on the dev split: ridge logistic regression of prompt injections against honest
// messages. Prints the result on texts that it was not fitted to.
const [RIDGE, STEPS, RATE, FOLDS] = [0.003, 1500, 1, 10];

interface Example {
  text: string;
  steers: boolean;
  segments: Record<string, number>[];
}
type Weights = Record<string, number>;

const clean = new Set(
  loadLeads()
    .filter(({ split }) => split === 'dev')
    .flatMap(({ lead }) => [lead.attributes['message'] ?? '', lead.attributes['title'] ?? ''])
    .filter((text) => text !== ''),
);
const orders = new Set(loadOrders().flatMap(({ split, text }) => (split === 'dev' ? [text] : [])));
const examples: Example[] = [
  ...[...clean].map((text) => ({ text, steers: false })),
  ...[...orders].map((text) => ({ text, steers: true })),
].map(({ text, steers }) => ({ text, steers, segments: segmentsOf(text).map(({ features }) => features) }));

/** The passage with the highest likelihood. */
const suspicion = ({ segments }: Example, weights: Weights) => Math.max(0, ...segments.map((one) => likelihoodOf(one, weights)));

function fit(train: Example[]): Weights {
  let weights: Weights = Object.fromEntries(STEERING_FEATURES.map((name) => [name, 0]));
  const half = { true: train.filter(({ steers }) => steers).length, false: train.filter(({ steers }) => !steers).length };
  // An injection is represented by its most likely passage, an honest message by all passages.
  for (let round = 0; round < 3; round++) {
    const rows = train.flatMap((example) => {
      const { steers, segments } = example;
      if (!steers) return segments.map((x) => ({ x, y: 0, weight: 1 / segments.length }));
      const best =
        round === 0 ? segments.at(-1) : segments.toSorted((a, b) => likelihoodOf(b, weights) - likelihoodOf(a, weights))[0];
      return best ? [{ x: best, y: 1, weight: 0.8 * (half.false / half.true) }] : [];
    });
    const total = rows.reduce((sum, { weight }) => sum + weight, 0);
    weights = Object.fromEntries(STEERING_FEATURES.map((name) => [name, 0]));
    for (let step = 0; step < STEPS; step++) {
      const slope = Object.fromEntries(STEERING_FEATURES.map((name) => [name, name === 'always' ? 0 : RIDGE * weights[name]!]));
      for (const { x, y, weight } of rows) {
        const miss = (weight * (likelihoodOf(x, weights) - y)) / total;
        for (const name in x) slope[name]! += miss * x[name]!;
      }
      for (const name of STEERING_FEATURES) weights[name]! -= RATE * slope[name]!;
    }
  }
  return weights;
}

const guesses: number[] = [];
for (let fold = 0; fold < FOLDS; fold++) {
  const weights = fit(examples.filter((_, at) => at % FOLDS !== fold));
  examples.forEach((example, at) => {
    if (at % FOLDS === fold) guesses[at] = suspicion(example, weights);
  });
}
for (const limit of [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) {
  const flagged = (steers: boolean) => examples.filter((one, at) => one.steers === steers && guesses[at]! >= limit).length;
  console.log(
    `limit ${limit}: sees ${flagged(true)} of ${orders.size} orders, and takes ${flagged(false)} of ${clean.size} honest texts for one`,
  );
}
if (process.argv.includes('--misses')) {
  examples.forEach(({ text, steers }, at) => {
    const limit = Number(process.argv.at(-1));
    if (guesses[at]! >= limit !== steers) console.log(`${steers ? 'MISSED' : 'FALSE'} ${guesses[at]!.toFixed(2)} ${text}`);
  });
}

const file = new URL('../src/enrichment/heuristic/steering.json', import.meta.url);
const json = JSON.parse(readFileSync(file, 'utf8')) as { weights: Weights };
json.weights = Object.fromEntries(Object.entries(fit(examples)).map(([name, weight]) => [name, Math.round(weight * 100) / 100]));
if (!process.argv.includes('--dry')) writeFileSync(file, `${JSON.stringify(json, null, 2)}\n`);
console.log(JSON.stringify(json.weights));
