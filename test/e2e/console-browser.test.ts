import pg from 'pg';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityFaults, hasBrowser, openBrowser } from '../support/browser.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { OPERATORS, SECRET, TOKEN } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let browser: Browser;
let page: Page;
/** Requests of the pages to other sites, and errors on the browser's console. */
const faults: string[] = [];

const send = (body: unknown) => service.post(body, { headers: { 'x-webhook-secret': SECRET } });

/**
 * A page under the service's content security policy. The debugger evaluates axe, to which the policy does not apply.
 */
async function open(width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  const opened = await context.newPage();
  opened.on('request', (request) => {
    if (!request.url().startsWith(service.url)) faults.push(request.url());
  });
  opened.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await opened.goto(`${service.url}/console`);
  await opened.getByLabel(/Token/).fill(TOKEN);
  await opened.getByRole('button', { name: 'Sign in' }).click();
  return opened;
}

describe.skipIf(!hasBrowser())('the console in a browser (Debian: apt-get install chromium)', () => {
  beforeAll(async () => {
    database = await freshDatabase();
    sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ...OPERATORS });
    browser = await openBrowser();
    page = await open(1280);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
    await sql?.end();
    await database?.drop();
  });

  it('shows a lead that arrives while the page is open', async () => {
    expect(await page.textContent('main')).toContain('No lead has arrived yet');
    await page.getByRole('link', { name: 'Leads', exact: true }).click();
    await send({ email: 'ann@acme.example', name: 'Ann Berg', campaign_id: 'launch', company: 'Acme', title: 'VP Sales' });
    await page.getByRole('link', { name: 'Ann Berg' }).waitFor();
    await page.getByRole('link', { name: 'Ann Berg' }).click();
    await page.getByText('in the CRM after').waitFor();
    expect(await page.textContent('main')).toContain('base score');
  });

  it('corrects and replays a dead letter with the keyboard alone', async () => {
    await sql.query("ALTER TABLE mock_crm.leads ADD CONSTRAINT no_beta CHECK (company <> 'Beta')");
    await send({ email: 'bo@beta.example', name: 'Bo Ray', campaign_id: 'launch', company: 'Beta' });
    await eventually(async () => expect((await sql.query("SELECT FROM ledger.leads WHERE state = 'dead'")).rowCount).toBe(1));
    await page.goto(`${service.url}/console/dead-letters`);
    await page.getByRole('link', { name: 'Bo Ray' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('company').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Beta GmbH');
    await page.keyboard.press('Enter');
    await page.getByText('Corrected and replayed').waitFor();
    await page.getByText('in the CRM after').waitFor();
  });

  it('replays many after a preview, and shows their progress', async () => {
    for (const name of ['Di', 'Ed']) await send({ email: `${name}@beta.example`, name, campaign_id: 'launch', company: 'Beta' });
    await eventually(async () => expect((await sql.query("SELECT FROM ledger.leads WHERE state = 'dead'")).rowCount).toBe(2));
    await sql.query('ALTER TABLE mock_crm.leads DROP CONSTRAINT no_beta');
    await page.goto(`${service.url}/console/dead-letters`);
    await page.getByRole('button', { name: /Replay all/ }).click();
    await page.getByRole('button', { name: 'Replay 2' }).click();
    await page.getByText('2 of 2').waitFor();
  });

  it('pauses and resumes a stage', async () => {
    await page.goto(`${service.url}/console/stages`);
    await page.getByRole('button', { name: 'Pause crm-sync' }).click();
    await page.getByRole('button', { name: 'Resume crm-sync' }).click();
    await page.getByRole('button', { name: 'Pause crm-sync' }).waitFor();
  });

  it('has no accessibility fault and fits the screen, in light and dark, from 320 pixels on', async () => {
    const { rows } = await sql.query<{ id: string }>('SELECT id FROM ledger.leads LIMIT 1');
    const paths = [
      '',
      '/leads',
      `/leads/${rows[0]!.id}`,
      '/dead-letters',
      '/rejections',
      '/stages',
      '/sla',
      '/audit',
      '/runbook',
    ];
    for (const [width, scheme] of [
      [1280, 'light'],
      [768, 'dark'],
      [320, 'light'],
    ] as const) {
      const small = await open(width, scheme);
      for (const path of paths) {
        await small.goto(`${service.url}/console${path}`);
        expect(await accessibilityFaults(small), `${path} at ${width}`).toEqual([]);
        const excess = await small.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(excess, `${path} at ${width}`).toBeLessThanOrEqual(0);
      }
      await small.context().close();
    }
  });

  it('signs out, and asks other sites for nothing', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(faults).toEqual([]);
  });
});
