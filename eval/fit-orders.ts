import { readFileSync, writeFileSync } from 'node:fs';
import { bucketsOf, BUCKETS, lexicalValue } from '../src/enrichment/heuristic/lexical.js';
import { passagesOf } from '../src/enrichment/heuristic/prompt-injection/orders.js';
import { readText, type Text } from '../src/enrichment/heuristic/text.js';
import { loadLeads, loadOrders, loadPhrasings } from './dataset.js';

// Fits the weights of orders.json: ridge logistic regression of the words of prompt injections against those of honest
// messages, on the dev split and the phrasings. `--check` measures on texts that it was not fitted to, and writes
// nothing.
const [RIDGE, STEPS, RATE, FOLDS, WORDS] = [0.001, 200, 0.15, 5, 8];
/** There are more honest messages than orders, and a false alarm costs a lead its points. */
const ORDER_SHARE = 0.3;

/** Titles are read by the detector too, and share words with orders ("as the CEO I …"). */
const TITLES = [
  'Manager, Office of the President',
  'Chief of Staff to the CEO',
  'Director of Student Recruitment and Admissions',
  'Head of Sales Operations and Systems',
  'Vice President of Marketing, North America',
  'Senior Director, Global Lead Management',
  'Assistant to the Managing Director',
  'Executive Assistant to the Board',
  'Owner and founder of the company',
  'Leiter Vertrieb und Marketing DACH',
  'Leiterin der Abteilung Systeme und Prozesse',
  'Assistentin der Geschäftsleitung und des Vorstands',
  'Responsable du service commercial et marketing',
  'Directeur général et fondateur de la société',
  'Director de sistemas y de la información',
  'Jefe de ventas para España y Portugal',
  'Responsabile vendite e assistenza clienti Italia',
  'Product Owner for scoring and data platforms',
  'Model Risk Manager, Credit and Scoring',
  'Head of Artificial Intelligence and Data Science',
  'Priority Banking Relationship Manager for the North',
  'Manager Testing and Release, Internal Systems',
];

interface Passage {
  buckets: number[];
  value: number;
}
interface Example {
  steers: boolean;
  passages: Passage[];
}
interface Weights {
  bias: number;
  words: Float64Array;
}

function passageOf(text: Text): Passage {
  const buckets = [...bucketsOf(text)];
  return { buckets, value: WORDS * lexicalValue(buckets.length) };
}

/** An order is one passage; an honest message is all of its passages. */
function exampleOf(raw: string, steers: boolean): Example {
  const text = readText(raw);
  return { steers, passages: steers ? [passageOf(text)] : passagesOf(text).map((passage) => passageOf(passage.text)) };
}

function readExamples(): Example[] {
  const leads = loadLeads().filter(({ split }) => split === 'dev');
  const honest = [...leads.map(({ lead }) => lead.attributes['message'] ?? ''), ...loadPhrasings().map(({ text }) => text)];
  const orders = loadOrders().filter(({ split }) => split === 'dev');
  return [
    ...[...new Set(honest)].filter((text) => text !== '').map((text) => exampleOf(text, false)),
    ...TITLES.map((title) => exampleOf(title, false)),
    ...orders.map(({ text }) => exampleOf(text, true)),
  ];
}

function likelihood({ bias, words }: Weights, { buckets, value }: Passage): number {
  return 1 / (1 + Math.exp(-buckets.reduce((sum, bucket) => sum + words[bucket]! * value, bias)));
}

function fit(examples: readonly Example[]): Weights {
  const orders = examples.filter(({ steers }) => steers).length;
  const balance = (ORDER_SHARE * (examples.length - orders)) / orders;
  const rows = examples.flatMap(({ steers, passages }) =>
    passages.map((passage) => ({ passage, y: steers ? 1 : 0, weight: steers ? balance : 1 / passages.length })),
  );
  const total = rows.reduce((sum, { weight }) => sum + weight, 0);
  const weights = { bias: 0, words: new Float64Array(BUCKETS) };
  const squares = new Float64Array(BUCKETS + 1).fill(1e-8);
  for (let step = 0; step < STEPS; step++) {
    const slope = weights.words.map((weight) => RIDGE * weight);
    let biasSlope = 0;
    for (const { passage, y, weight } of rows) {
      const miss = ((likelihood(weights, passage) - y) * weight) / total;
      biasSlope += miss;
      for (const bucket of passage.buckets) slope[bucket]! += miss * passage.value;
    }
    slope.forEach((each, at) => {
      squares[at]! += each ** 2;
      weights.words[at]! -= (RATE * each) / Math.sqrt(squares[at]!);
    });
    squares[BUCKETS]! += biasSlope ** 2;
    weights.bias -= (RATE * biasSlope) / Math.sqrt(squares[BUCKETS]!);
  }
  return weights;
}

function check(examples: readonly Example[]): void {
  const guesses = examples.map(() => 0);
  for (let fold = 0; fold < FOLDS; fold++) {
    const weights = fit(examples.filter((_, at) => at % FOLDS !== fold));
    examples.forEach(({ passages }, at) => {
      if (at % FOLDS === fold) guesses[at] = Math.max(0, ...passages.map((passage) => likelihood(weights, passage)));
    });
  }
  for (const limit of [0.4, 0.5, 0.6, 0.7, 0.8]) {
    const found = (steers: boolean) => examples.filter((one, at) => one.steers === steers && guesses[at]! >= limit).length;
    console.log(`limit ${limit}: ${found(true)} orders found, ${found(false)} of ${examples.length} texts doubted wrongly`);
  }
}

function write({ bias, words }: Weights): void {
  const file = new URL('../src/enrichment/heuristic/orders.json', import.meta.url);
  const { _about, limit } = JSON.parse(readFileSync(file, 'utf8')) as { _about: string; limit: number };
  const scaled = words.map((weight) => weight * WORDS);
  const largest = scaled.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const scale = Number((largest / 127).toPrecision(6));
  const bytes = Int8Array.from(scaled, (weight) => Math.round(weight / scale));
  const json = { _about, limit, bias: Number(bias.toFixed(4)), scale, weights: Buffer.from(bytes.buffer).toString('base64') };
  writeFileSync(file, `${JSON.stringify(json, null, 2)}\n`);
}

const examples = readExamples();
if (process.argv.includes('--check')) check(examples);
else write(fit(examples));
