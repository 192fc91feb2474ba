import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { fillService } from '../support/every-operation.js';
import { OPERATORS, SECRET, TOKEN } from '../support/operator.js';
import { eventually } from '../support/eventually.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const ROOT = join(import.meta.dirname, '../..');

interface Step {
  section: string;
  command: string;
  /** The output that the runbook shows; empty where it shows none. */
  printed: string[];
}

/** The console blocks of a page: a line that starts with `$ ` is a command, and the lines after it are its output. */
function stepsOf(page: string): Step[] {
  return page.split(/^## /m).flatMap((part) => {
    const section = part.split('\n', 1)[0]!;
    return [...part.matchAll(/^```console\n([^]*?)^```/gm)].flatMap(([, block]) =>
      block!
        .split(/^\$ /m)
        .slice(1)
        .map((text) => {
          const [command, ...printed] = text.trimEnd().split('\n');
          return { section, command: command!, printed };
        }),
    );
  });
}

/** The parts that do not depend on the leads: sentences without their numbers, and table heads. */
function shapeOf(lines: string[]): string[] {
  const sentences = lines.filter((line) => !/^[┌├└│ ]/.test(line)).map(withoutFigures);
  const heads = lines
    .filter((_, index) => lines[index - 1]?.startsWith('┌'))
    .map((line) =>
      line
        .split('│')
        .map((cell) => cell.trim())
        .join('|'),
    );
  return [...sentences, ...heads];
}

function withoutFigures(line: string): string {
  return line
    .replaceAll(/[\w.]+@[\w.]+/g, 'ADDRESS')
    .replaceAll(/^.*(?= <ADDRESS>)| \d{4}-\d\d-\d\dT\S+|(?<=campaign )\w+/g, '…')
    .replaceAll(/\d+(?:\.\d+)?(?:e\+\d+)?/g, '0')
    .replaceAll(/\b(?:up|down)\b/g, 'up or down')
    .replaceAll(/\b(?:redis|postgres)$/g, 'a backend');
}

const steps = stepsOf(await readFile(join(ROOT, 'docs/runbook.md'), 'utf8'));

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-runbook-'));
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ...OPERATORS });
  const headers = { 'x-webhook-secret': SECRET };
  const { dead, rejections } = await fillService(service, sql);
  await service.post({ email: 'lead@enterprise.com', name: 'Alex Smith', campaign_id: 'launch_2026' }, { headers });
  await writeFile(
    join(folder, 'missing.csv'),
    'email,name,campaign_id\neve@acme.com,Eve,1\nlead@enterprise.com,Alex Smith,launch_2026\n',
  );
  env = {
    PATH: process.env['PATH']!,
    REVENUEFLOW_URL: service.url,
    REVENUEFLOW_TOKEN: TOKEN,
    WEBHOOK_SECRETS: SECRET,
    TOKEN,
    // The runbook's times are in UTC.
    TZ: 'UTC',
    LEAD: dead[0]!,
    OTHER_LEAD: dead[1]!,
    REJECTION: rejections[0]!,
  };
});
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function run(command: string): Promise<{ code: number; output: string }> {
  const script = `set -o pipefail; ${command.replaceAll('npx revenueflow', `"${process.execPath}" "${join(ROOT, 'dist/cli/main.js')}"`)}`;
  return new Promise((resolve) => {
    execFile('bash', ['--norc', '-c', script], { env, cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: `${stdout}\n${stderr}` }),
    );
  });
}

/** The leads that the runbook's section about a stopped queue looks for. */
async function withWaitingLeads(act: () => Promise<void>): Promise<void> {
  await run('npx revenueflow queues pause enrichment');
  let count = 0;
  // The worker notices the pause a moment later.
  await eventually(async () => {
    await service.post({ email: `w${count++}@acme.com`, campaign_id: 'c' }, { headers: { 'x-webhook-secret': SECRET } });
    expect((await run('npx revenueflow leads list --state received')).output).toContain('received');
  });
  await act();
  await run('npx revenueflow queues resume enrichment');
}

describe('the runbook', () => {
  it('has commands in every section', () => {
    expect(steps.length).toBeGreaterThan(20);
    expect(new Set(steps.map(({ section }) => section)).size).toBe(15);
    for (const { command } of steps) expect(command).toMatch(/^(?:npx revenueflow |curl )/);
  });

  it.each(steps.map((step) => [step.section, step.command, step] as const))('%s: %s', async (_section, _command, step) => {
    const check = async () => {
      const { code, output } = await run(step.command);
      expect(code, output).toBe(0);
      const shape = shapeOf(output.split('\n'));
      for (const line of shapeOf(step.printed)) expect(shape, output).toContain(line);
    };
    await (step.command.includes('--state received') ? withWaitingLeads(check) : check());
  });
});
