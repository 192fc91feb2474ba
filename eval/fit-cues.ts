import { readFileSync, writeFileSync } from 'node:fs';
import { CLASSES, CUE_GROUPS, PITCH_CUE, REFUSED_CUE, saidCue, WISH_CUE } from '../src/enrichment/heuristic/cues.js';
import { bucketsOf, BUCKETS, lexicalValue } from '../src/enrichment/heuristic/lexical.js';
import { LEXICON } from '../src/enrichment/heuristic/lexicon.js';
import { messageCues } from '../src/enrichment/heuristic/message.js';
import { loadLeads, loadPhrasings } from './dataset.js';
import { macroF1, rankingAuc } from './measure.js';

// Fits the weights of cues.json and lexical.json: one multinomial logistic regression over groups of words, phrases and
// the words themselves. It reads the dev split and the phrasings, never the held-out split. `--check` fits without the
// blind templates of one author at a time, measures on those, and writes nothing.
const FAMILIES = LEXICON.message.families.flatMap(({ id, negated }) => [
  saidCue(id, false),
  ...(negated ? [saidCue(id, true)] : []),
]);
const CUES = ['always', 'question', 'short', 'long', 'length', ...CUE_GROUPS, ...FAMILIES, PITCH_CUE, REFUSED_CUE, WISH_CUE];
const SIZE = (CUES.length + BUCKETS) * CLASSES.length;

/** Ridges so strong that no word decides alone; steps of Adagrad. */
const RIDGE = { cues: 0.003, words: 0.001 };
const [STEPS, RATE] = [300, 0.15];
/** Of the words beside the cues. */
const WORDS = 10;
/** Phrases were written with the other dev leads in view, so those leads would overfit. */
const WEIGHT = { blind: 4, seen: 1, phrasing: 2 };

interface Example {
  author: string;
  isBlind: boolean;
  weight: number;
  features: number[];
  values: number[];
  label: number;
}
type Weights = Float64Array;

function exampleOf(message: string, intent: string, weight: number, author: string, isBlind: boolean): Example {
  const { cues, text } = messageCues(message);
  const buckets = [...bucketsOf(text)];
  const named = CUES.flatMap((name, at) => (cues[name] ? [[at, cues[name]] as const] : []));
  return {
    author,
    isBlind,
    weight,
    features: [...named.map(([at]) => at), ...buckets.map((bucket) => CUES.length + bucket)],
    values: [...named.map(([, value]) => value), ...buckets.map(() => WORDS * lexicalValue(buckets.length))],
    label: CLASSES.indexOf(intent as (typeof CLASSES)[number]),
  };
}

function readExamples(): Example[] {
  const seen = new Set<string>();
  const templates = loadLeads().flatMap(({ id, split, intent, blind, lead }) => {
    const template = id.split('/', 1)[0]!;
    const message = lead.attributes['message'];
    if (split !== 'dev' || intent === 'unknown' || !message || seen.has(template)) return [];
    seen.add(template);
    return [exampleOf(message, intent, blind ? WEIGHT.blind : WEIGHT.seen, template.split('-', 1)[0]!, blind)];
  });
  return [...templates, ...loadPhrasings().map(({ intent, text }) => exampleOf(text, intent, WEIGHT.phrasing, '', false))];
}

function probabilities(weights: Weights, { features, values }: Example): number[] {
  const sums = CLASSES.map((_, k) => features.reduce((sum, at, i) => sum + weights[at * CLASSES.length + k]! * values[i]!, 0));
  const top = Math.max(...sums);
  const powers = sums.map((sum) => Math.exp(sum - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function fit(examples: readonly Example[]): Weights {
  const weights = new Float64Array(SIZE);
  const slope = new Float64Array(SIZE);
  const squares = new Float64Array(SIZE).fill(1e-8);
  const total = examples.reduce((sum, { weight }) => sum + weight, 0);
  const firstWord = CUES.length * CLASSES.length;
  for (let step = 0; step < STEPS; step++) {
    for (let at = 0; at < SIZE; at++) slope[at] = (at < firstWord ? RIDGE.cues : RIDGE.words) * weights[at]!;
    for (const example of examples) {
      probabilities(weights, example).forEach((p, k) => {
        const miss = ((p - (k === example.label ? 1 : 0)) * example.weight) / total;
        example.features.forEach((at, i) => (slope[at * CLASSES.length + k]! += miss * example.values[i]!));
      });
    }
    for (let at = 0; at < SIZE; at++) {
      squares[at]! += slope[at]! ** 2;
      weights[at]! -= (RATE * slope[at]!) / Math.sqrt(squares[at]!);
    }
  }
  return weights;
}

function report(name: string, guesses: readonly { example: Example; p: number[] }[]): void {
  const best = (p: number[]) => CLASSES[p.indexOf(Math.max(...p))]!;
  const auc = rankingAuc(guesses.map(({ example, p }) => ({ high: example.label === 0, score: p[0]! })));
  const f1 = macroF1(guesses.map(({ example, p }) => [CLASSES[example.label]!, best(p)] as const));
  console.log(`${name.padEnd(6)} ${guesses.length} templates: AUC of high intent ${auc.toFixed(3)}, macro-F1 ${f1.toFixed(3)}`);
}

function check(examples: readonly Example[]): void {
  const authors = [...new Set(examples.filter(({ isBlind }) => isBlind).map(({ author }) => author))];
  const all = authors.flatMap((author) => {
    const weights = fit(examples.filter((example) => example.author !== author));
    const guesses = examples
      .filter((example) => example.author === author && example.isBlind)
      .map((example) => ({ example, p: probabilities(weights, example) }));
    report(author, guesses);
    return guesses;
  });
  report('all', all);
}

/** One byte per weight: the largest weight is 127 units. */
function bytesOf(weights: Weights): { scale: number; weights: string } {
  const words = weights.subarray(CUES.length * CLASSES.length).map((weight) => weight * WORDS);
  const unit = words.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / 127;
  const scale = Number(unit.toPrecision(6));
  return { scale, weights: Buffer.from(Int8Array.from(words, (weight) => Math.round(weight / scale)).buffer).toString('base64') };
}

function write(weights: Weights): void {
  const file = (name: string) => new URL(`../src/enrichment/heuristic/${name}`, import.meta.url);
  const cues = JSON.parse(readFileSync(file('cues.json'), 'utf8')) as { weights: Record<string, Record<string, number>> };
  CLASSES.forEach((intent, k) => {
    cues.weights[intent] = Object.fromEntries(
      CUES.map((name, at) => [name, Math.round(weights[at * CLASSES.length + k]! * 100) / 100]),
    );
  });
  writeFileSync(file('cues.json'), `${JSON.stringify(cues, null, 2)}\n`);
  const { _about } = JSON.parse(readFileSync(file('lexical.json'), 'utf8')) as { _about: string };
  writeFileSync(file('lexical.json'), `${JSON.stringify({ _about, ...bytesOf(weights) }, null, 2)}\n`);
}

const examples = readExamples();
if (process.argv.includes('--check')) check(examples);
else write(fit(examples));
