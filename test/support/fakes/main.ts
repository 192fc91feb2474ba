import { gullibleBrain } from './brain.js';
import { startFakeBedrock } from './bedrock.js';
import { ALL_FAULTS } from './faults.js';
import { startFakeGemini } from './gemini.js';
import { FAKE_MARKETO_ID, FAKE_MARKETO_SECRET, FakeMarketo } from './marketo/index.js';
import { startFakeOpenAiCompatible } from './openai-compatible.js';
import { ALL_SALESFORCE_FAULTS, FAKE_CLIENT_ID, FAKE_CLIENT_SECRET, startSalesforceFake } from './salesforce/index.js';

/** A fake server to experiment with, and the environment variables that connect the service to it. */
interface Fake {
  url: string;
  stop(): Promise<void>;
}
interface FakeServer {
  name: string;
  port: number;
  start(port: number): Promise<Fake>;
  env(url: string): Record<string, string>;
}

const HELP = `npm run fakes -- [--failing SHARE] [--gullible] [--latency MS]
  --failing 0.3  that share of the requests fails, in every way that the API knows
  --gullible     the models obey what the lead's text tells them
  --latency 800  before each answer
`;

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};

/** Faults that end by themselves: a hang would only wait for AI_TIMEOUT_MS. */
const PLAYABLE = ALL_FAULTS.filter(({ kind }) => !['hang', 'wrong-key', 'model-gone', 'no-credit', 'daily-quota'].includes(kind));

function model(start: typeof startFakeGemini): FakeServer['start'] {
  return async (port) => {
    const fake = await start(port);
    const failing = Number(option('failing') ?? 0);
    if (failing > 0) fake.sometimes(failing, PLAYABLE);
    if (process.argv.includes('--gullible')) fake.brain = gullibleBrain;
    fake.latencyMs = Number(option('latency') ?? 0);
    return fake;
  };
}

/** An org with the package of salesforce/ installed and no records. */
async function salesforce(port: number): Promise<Fake> {
  const fake = await startSalesforceFake({ port, latencyMs: Number(option('latency') ?? 0) });
  const kinds = ALL_SALESFORCE_FAULTS.filter((kind) => kind !== 'hang');
  fake.setFaults({ rate: Number(option('failing') ?? 0), kinds, seed: Date.now() });
  return { url: fake.url, stop: () => fake.close() };
}

/** An instance with the custom fields of docs/marketo.md, and the people of samples/ who send the webhook. */
async function marketo(port: number): Promise<Fake> {
  const fake = await FakeMarketo.start({ port, latencyMs: Number(option('latency') ?? 0) });
  fake.sometimes(Number(option('failing') ?? 0), Date.now() % 2_147_483_647);
  fake.people.add({ email: 'lead@enterprise.com', firstName: 'Alex', lastName: 'Smith', company: 'Enterprise' });
  return { url: fake.url, stop: () => fake.stop() };
}

/** One entry per third party. */
const FAKES: FakeServer[] = [
  {
    name: 'Gemini',
    port: 4101,
    start: model(startFakeGemini),
    env: (url) => ({ AI_PROVIDER: 'gemini', GEMINI_API_KEY: 'any', GEMINI_BASE_URL: `${url}/v1beta` }),
  },
  {
    name: 'Bedrock',
    port: 4102,
    start: model(startFakeBedrock),
    env: (url) => ({
      AI_PROVIDER: 'bedrock',
      AWS_REGION: 'us-east-1',
      AWS_BEARER_TOKEN_BEDROCK: 'any',
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url,
    }),
  },
  {
    name: 'chat/completions',
    port: 4103,
    start: model(startFakeOpenAiCompatible),
    env: (url) => ({
      AI_PROVIDER: 'openai-compatible',
      OPENAI_COMPATIBLE_BASE_URL: `${url}/v1`,
      OPENAI_COMPATIBLE_MODEL: 'any',
    }),
  },
  {
    name: 'Salesforce',
    port: 4104,
    start: salesforce,
    env: (url) => ({
      CRM_PROVIDER: 'salesforce',
      SALESFORCE_LOGIN_URL: url,
      SALESFORCE_CLIENT_ID: FAKE_CLIENT_ID,
      SALESFORCE_CLIENT_SECRET: FAKE_CLIENT_SECRET,
    }),
  },
  {
    name: 'Marketo',
    port: 4105,
    start: marketo,
    env: (url) => ({
      MARKETO_BASE_URL: url,
      MARKETO_CLIENT_ID: FAKE_MARKETO_ID,
      MARKETO_CLIENT_SECRET: FAKE_MARKETO_SECRET,
      MARKETO_WEBHOOK: 'RevenueFlow',
    }),
  },
];

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  const running: Fake[] = [];
  for (const server of FAKES) {
    const fake = await server.start(server.port);
    running.push(fake);
    const env = Object.entries(server.env(fake.url)).map(([name, value]) => `${name}=${value}`);
    console.log(`${server.name} on ${fake.url}\n  ${env.join(' ')} npm start\n`);
  }
  console.log('Stop with Ctrl-C.');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void Promise.all(running.map((fake) => fake.stop())).then(() => process.exit(0)));
  }
}
