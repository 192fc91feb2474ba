import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AI_PROVIDERS } from '../src/enrichment/registry.js';
import type { EnrichmentProvider } from '../src/enrichment/port.js';
import { loadConfig } from '../src/platform/config/config.js';
import { loadEnvFile } from '../src/platform/config/env-file.js';
import { loadInjections, loadLeads, type LabelledLead, type Split } from './dataset.js';
import { calibrationPlot } from './calibration-plot.js';
import { report, scoreAll, type Report, type Scored } from './measure.js';
import { table } from './table.js';

const HELP = `npm run eval -- [provider[=model]…] [--split dev|held-out|all] [--misses] [--out FOLDER] [--json] [--width N]

Scores the labelled leads of eval/leads with each provider (heuristic where none is named) and compares them side by side.
gemini, bedrock and openai-compatible take their settings from the environment; gemini=MODEL asks another model.
  --misses   lists the leads whose intent is wrong; for dev only, since what is read of the held-out split is no longer held out
  --out      writes report.md and calibration-<name>.svg there
`;

interface Options {
  names: string[];
  split: Split | 'all';
  misses: boolean;
  out: string | null;
  json: boolean;
  width: number;
}

function readOptions(args: string[]): Options {
  const value = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const valued = new Set(
    ['--split', '--out', '--width'].flatMap((name) => (args.includes(name) ? [args.indexOf(name) + 1] : [])),
  );
  const names = args.filter((arg, at) => !arg.startsWith('--') && !valued.has(at));
  const split = (value('--split') ?? 'all') as Options['split'];
  return {
    names: names.length > 0 ? names : ['heuristic'],
    split,
    misses: args.includes('--misses') && split === 'dev',
    out: value('--out') ?? null,
    json: args.includes('--json'),
    width: Number(value('--width') ?? 4),
  };
}

/** `gemini=gemini-3.5-flash` asks that model instead of the configured one. */
async function open(name: string): Promise<EnrichmentProvider> {
  const [provider, model] = name.split('=', 2) as [string, string | undefined];
  const variable = { gemini: 'GEMINI_MODEL', bedrock: 'BEDROCK_MODEL_ID', 'openai-compatible': 'OPENAI_COMPATIBLE_MODEL' }[
    provider
  ];
  const env = { ...process.env, ENV: 'MOCK', AI_PROVIDER: provider, AI_CACHE_TTL_SECONDS: '0' };
  const config = loadConfig(model && variable ? { ...env, [variable]: model } : env, {
    aiProviders: Object.keys(AI_PROVIDERS),
    crmProviders: ['postgres'],
  });
  return AI_PROVIDERS[provider]!(config);
}

async function evaluate(
  name: string,
  leads: readonly LabelledLead[],
  width: number,
): Promise<{ scored: Scored[]; result: Report }> {
  const provider = await open(name);
  // The first calls load and compile, so they do not count.
  await scoreAll(provider, leads.slice(0, 20), width);
  const scored = await scoreAll(provider, leads, width);
  const clean = new Map(scored.map((one) => [one.labelled.id, one.got]));
  const pairs = loadInjections(leads);
  const injected = await scoreAll(
    provider,
    pairs.map((pair) => ({ ...pair.clean, lead: pair.injected })),
    width,
  );
  const judged = pairs.flatMap((pair, at) => {
    const before = clean.get(pair.clean.id);
    const after = injected[at]!.got;
    return before && after ? [{ pair, clean: before, injected: after }] : [];
  });
  return { scored, result: report(scored, judged) };
}

function listMisses(scored: readonly Scored[]): void {
  for (const { labelled, got, error } of scored) {
    if (got?.intent === labelled.intent) continue;
    console.log(
      `${labelled.id}: ${labelled.intent} read as ${got?.intent ?? error} (${got?.fitScore}) ${labelled.lead.attributes['message'] ?? ''}`,
    );
  }
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return void process.stdout.write(HELP);
  loadEnvFile();
  const options = readOptions(process.argv.slice(2));
  const all = loadLeads();
  const columns: { name: string; split: Split; result: Report }[] = [];
  if (options.out) mkdirSync(options.out, { recursive: true });
  for (const name of options.names) {
    for (const split of options.split === 'all' ? (['dev', 'held-out'] as const) : [options.split]) {
      const { scored, result } = await evaluate(
        name,
        all.filter((lead) => lead.split === split),
        options.width,
      );
      columns.push({ name, split, result });
      if (options.misses) listMisses(scored);
      if (options.out) {
        const file = `calibration-${name}-${split}.svg`.replaceAll(/[^\w.-]/g, '-');
        writeFileSync(join(options.out, file), calibrationPlot(`${name}, ${split}`, scored));
      }
    }
  }
  const text = table(columns);
  if (options.out) writeFileSync(join(options.out, 'report.md'), text);
  process.stdout.write(options.json ? `${JSON.stringify(columns, null, 2)}\n` : `\n${text}`);
}

await main();
