// Makes the pictures of the console in docs/images, which the README shows. It needs Debian's chromium.
//
//   npx tsx scripts/screenshots.ts                  the pictures of the README
//   npx tsx scripts/screenshots.ts --review folder  every page in three widths, light and dark
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Browser } from 'playwright-core';
import { followLeads } from '../samples/demo-follow.js';
import { sendAll } from '../samples/demo-run.js';
import { readWebhooks } from '../samples/webhooks.js';
import { startEmbeddedPostgres } from '../src/platform/embedded/postgres.js';
import { openBrowser } from '../test/support/browser.js';

const ROOT = join(import.meta.dirname, '..');
const SIGNAL = new AbortController().signal;
const say = (line: string) => void process.stdout.write(`${line}\n`);

const review = process.argv[2] === '--review' ? process.argv[3] : undefined;
const folder = await mkdtemp(join(tmpdir(), 'revenueflow-screenshots-'));
const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), settings: { fsync: 'off' } });
const sql = new pg.Client({ connectionString: postgres.url });
let service: ChildProcess | undefined;
let browser: Browser | undefined;
try {
  const started = await startService();
  service = started.child;
  await sql.connect();
  browser = await openBrowser();
  if (review) await takeAll(browser, started.url, 'empty', ['', '/leads', '/dead-letters', '/rejections', '/sla', '/audit']);
  const lead = await fill(started.url);
  if (review) await takeAll(browser, started.url, 'full', await pagesWith(lead));
  else await takeForReadme(browser, started.url, lead);
} finally {
  await browser?.close();
  await sql.end();
  if (service) {
    service.kill('SIGTERM');
    await once(service, 'exit');
  }
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}

async function startService(): Promise<{ child: ChildProcess; url: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [join(ROOT, 'dist/main.js')], {
    env: { PATH, HOME, PORT: '0', DATABASE_URL: postgres.url, QUEUE_BACKEND: 'postgres', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const found = /URL +(http:\S+)/.exec(output)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`The service ended with ${code}.`)));
  });
  return { child, url };
}

/** An hour of an ordinary day, with some leads that the CRM refuses and a webhook template that broke. */
async function fill(url: string): Promise<string> {
  const step = { url, say, bars: false, signal: SIGNAL };
  const leads = await followLeads(await sendAll(readWebhooks(), step), step);
  for (let n = 0; n < 120; n++) {
    const body = { email: `visitor${n}@company${n % 37}.example`, name: `Visitor ${n}`, campaign_id: `spring_${n % 4}` };
    await post(url, JSON.stringify({ ...body, company: `Company ${n % 37}`, title: n % 3 ? 'Manager' : 'VP Sales' }));
  }
  await until("SELECT count(*)::int AS n FROM ledger.leads WHERE state <> 'synced'", 0);
  await spreadOverAnHour();
  for (const act of ['pause', 'resume']) await fetch(`${url}/ops/queues/crm-sync/${act}`, { method: 'POST' });
  await sql.query("ALTER TABLE mock_crm.leads ADD CONSTRAINT known_country CHECK (company NOT LIKE 'Wayland%')");
  for (const name of ['Ada Voss', 'Ben Iwu', 'Cleo Marsh']) {
    const email = `${name.split(' ')[0]!.toLowerCase()}@wayland.example`;
    await post(url, JSON.stringify({ email, name, campaign_id: 'spring_1', company: 'Wayland Freight' }));
  }
  for (let n = 0; n < 12; n++) {
    await post(url, `{"email": "person${n}@acme.example", "name": "Person "${n}" Poe", "campaign_id": "spring_2"}`);
  }
  for (let n = 0; n < 4; n++) await post(url, `{"contact": "person${n}@acme.example", "campaign_id": "spring_2"}`);
  await until("SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'dead'", 3);
  // The figures of a page are kept for some seconds.
  await new Promise((resolve) => setTimeout(resolve, 6000));
  const best = leads.map(({ journey }) => journey).filter((journey) => journey !== null);
  return best.toSorted((a, b) => (b.fitScore ?? 0) - (a.fitScore ?? 0))[0]!.id;
}

/** Moves each lead with its history into the past; the durations stay as they were. */
async function spreadOverAnHour(): Promise<void> {
  await sql.query(
    `CREATE TEMP TABLE moved AS
     SELECT id, make_interval(secs => 3500 * (row_number() OVER (ORDER BY md5(id::text)) / 170.0) ^ 1.15) AS by FROM ledger.leads`,
  );
  const columns = ['received_at', 'content_at', 'enriched_at', 'first_enriched_at', 'synced_at', 'first_synced_at'];
  const moves = columns.map((column) => `${column} = ${column} - moved.by`).join(', ');
  await sql.query(`UPDATE ledger.leads l SET ${moves} FROM moved WHERE moved.id = l.id`);
  await sql.query('UPDATE ledger.events e SET at = at - moved.by FROM moved WHERE moved.id = e.lead_id');
}

async function post(url: string, body: string): Promise<void> {
  await fetch(`${url}/leads`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
}

async function until(query: string, n: number): Promise<void> {
  for (;;) {
    const { rows } = await sql.query<{ n: number }>(query);
    if (rows[0]!.n === n) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function pagesWith(lead: string): Promise<string[]> {
  const idOf = async (query: string) => (await sql.query<{ id: string }>(query)).rows[0]!.id;
  const [dead, rejection, revised] = [
    await idOf("SELECT id FROM ledger.leads WHERE state = 'dead' LIMIT 1"),
    await idOf('SELECT id FROM ledger.rejections ORDER BY received_at LIMIT 1'),
    await idOf("SELECT lead_id AS id FROM ledger.events WHERE kind = 'revised' LIMIT 1"),
  ];
  const lists = [
    '',
    '/leads',
    '/leads?state=synced&minScore=60',
    '/dead-letters',
    '/rejections',
    '/stages',
    '/sla',
    '/routing',
    '/scores',
    '/scores/trials',
    '/marketo',
    '/audit',
    '/nowhere',
  ];
  const ones = [`/leads/${lead}`, `/leads/${revised}`, `/leads/${dead}`, `/dead-letters/${dead}`, `/rejections/${rejection}`];
  return [...lists, ...ones, '/api', '/runbook', '/login'];
}

async function takeForReadme(chromium: Browser, url: string, lead: string): Promise<void> {
  const images = join(ROOT, 'docs/images');
  await mkdir(images, { recursive: true });
  for (const [name, path] of [
    ['console-now', ''],
    ['console-lead', `/leads/${lead}`],
  ] as const) {
    const context = await chromium.newContext({ viewport: { width: 1200, height: 800 }, colorScheme: 'light' });
    const page = await context.newPage();
    await page.goto(`${url}/console${path}`);
    await page.screenshot({ path: join(images, `${name}.png`) });
    await context.close();
  }
}

async function takeAll(chromium: Browser, url: string, name: string, paths: string[]): Promise<void> {
  await mkdir(review!, { recursive: true });
  for (const width of [1280, 320, 768]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await chromium.newContext({ viewport: { width, height: 800 }, colorScheme });
      const page = await context.newPage();
      for (const [index, path] of paths.entries()) {
        await page.goto(`${url}/console${path}`);
        const file = `${name}-${String(index).padStart(2, '0')}${path.replaceAll(/[^a-z]+/gi, '-').slice(0, 16)}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: join(review!, file), fullPage: true });
      }
      await context.close();
    }
  }
}
