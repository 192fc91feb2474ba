import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityFaults, hasBrowser, openBrowser } from '../support/browser.js';
import { PAGES, startConsole, type World } from '../support/console-world.js';
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
async function open(): Promise<Page> {
  // Without transitions, so that no colour is measured on its way to another.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  await context.clock.install();
  const opened = await context.newPage();
  opened.on('request', (request) => {
    if (!request.url().startsWith(service.url)) faults.push(request.url());
  });
  opened.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await signIn(opened);
  return opened;
}

async function signIn(opened: Page): Promise<void> {
  await opened.goto(`${service.url}/console`);
  await opened.getByLabel(/Token/).fill(TOKEN);
  await opened.getByRole('button', { name: 'Sign in' }).click();
}

/** Waits until a live region shows it; the pages' clock goes faster than ours. */
async function refreshed(locator: Locator): Promise<void> {
  await eventually(async () => {
    await page.clock.fastForward(5000);
    expect(await locator.count()).toBeGreaterThan(0);
  });
}

describe.skipIf(!hasBrowser())('the console in a browser (Debian: apt-get install chromium)', () => {
  beforeAll(async () => {
    database = await freshDatabase();
    sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ...OPERATORS });
    browser = await openBrowser();
    page = await open();
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
    await refreshed(page.getByRole('link', { name: 'Ann Berg' }));
    await page.getByRole('link', { name: 'Ann Berg' }).click();
    await refreshed(page.getByText('in the CRM after'));
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
    await refreshed(page.getByText('in the CRM after'));
  });

  it('replays many after a preview, and shows their progress', async () => {
    for (const name of ['Di', 'Ed']) await send({ email: `${name}@beta.example`, name, campaign_id: 'launch', company: 'Beta' });
    await eventually(async () => expect((await sql.query("SELECT FROM ledger.leads WHERE state = 'dead'")).rowCount).toBe(2));
    await sql.query('ALTER TABLE mock_crm.leads DROP CONSTRAINT no_beta');
    await page.goto(`${service.url}/console/dead-letters`);
    await page.getByRole('button', { name: /Replay all/ }).click();
    await page.getByRole('button', { name: 'Replay 2' }).click();
    await refreshed(page.getByText('2 of 2'));
  });

  it('finds, repairs, replays and verifies 40 forms that a broken template had refused', async () => {
    for (let n = 0; n < 40; n++) {
      await send({ contact: `visitor${n}@gamma.example`, name: `Visitor ${n}`, campaign_id: 'spring' });
    }
    await page.goto(`${service.url}/console`);
    await refreshed(page.getByText('40 refused requests are open'));
    await page.getByRole('link', { name: 'Open Rejections' }).click();
    await page.getByRole('button', { name: 'Repair 40…' }).click();
    await page.getByText('5 of 5 of the sample would still be refused').waitFor();
    await page.getByLabel('Take email from').selectOption('contact');
    await page.getByRole('button', { name: 'Try on the sample' }).click();
    await page.getByText('All 5 of the sample would be accepted').waitFor();
    await page.getByLabel('At most per second').fill('40');
    await page.getByRole('button', { name: 'Replay 40' }).click();
    await refreshed(page.getByText('40 in the CRM'));
    await page
      .getByRole('link', { name: /^Visitor/ })
      .first()
      .click();
    await page.getByRole('heading', { name: 'In the CRM' }).waitFor();
    const { rows } = await sql.query("SELECT count(*)::int AS n FROM mock_crm.leads WHERE last_name ~ '^[0-9]+$'");
    expect(rows).toEqual([{ n: 40 }]);
  });

  it('leaves a list alone while text is selected in it, and asks for nothing while it is hidden', async () => {
    await page.goto(`${service.url}/console/leads`);
    await page.evaluate(() => document.getSelection()!.selectAllChildren(document.querySelector('[data-live] tbody td')!));
    await send({ email: 'kim@acme.example', name: 'Kim Sol', campaign_id: 'launch' });
    await refreshed(page.getByText('Paused while you select text'));
    expect(await page.getByRole('link', { name: 'Kim Sol' }).count()).toBe(0);
    await page.evaluate(() => document.getSelection()!.removeAllRanges());
    await page.evaluate(() => window.scrollTo(0, 150));
    await refreshed(page.getByRole('link', { name: 'Kim Sol' }));
    expect(await page.evaluate(() => window.scrollY)).toBe(150);

    await page.goto(`${service.url}/console/leads`);
    const asked: string[] = [];
    page.on('request', (request) => request.resourceType() === 'fetch' && asked.push(request.url()));
    await page.evaluate(() => Object.defineProperty(document, 'hidden', { value: true, configurable: true }));
    await page.clock.runFor(60_000);
    expect(asked).toEqual([]);
    await page.evaluate(() => Object.defineProperty(document, 'hidden', { value: false }));
    await Promise.all([page.waitForRequest(/\/console\/leads$/), page.clock.runFor(5000)]);
  });

  it('pauses and resumes a stage', async () => {
    await page.goto(`${service.url}/console/stages`);
    await page.getByRole('button', { name: 'Pause crm-sync' }).click();
    await page.getByRole('button', { name: 'Resume crm-sync' }).click();
    await page.getByRole('button', { name: 'Pause crm-sync' }).waitFor();
  });

  it('says so above the page when its session has ended, or a store or the service does not answer', async () => {
    expect(faults).toEqual([]);
    const problem = page.getByRole('alert').filter({ hasText: 'This page is not up to date' });
    await page.goto(`${service.url}/console/leads`);
    const answers = (status: number) => page.route(/\/console\/leads$/, (route) => route.fulfill({ status }));
    await answers(503);
    await refreshed(problem.filter({ hasText: 'A store of the service does not answer' }));
    await page.unrouteAll();
    await page.route(/\/console\/leads$/, (route) => route.abort());
    await refreshed(problem.filter({ hasText: 'The service does not answer' }));
    await page.unrouteAll();
    await eventually(async () => {
      await page.clock.fastForward(5000);
      expect(await page.getByText('Live: updates every 5 s').count()).toBe(1);
    });
    expect(await problem.count()).toBe(0);
    await page.context().clearCookies();
    await refreshed(page.getByRole('alert').filter({ hasText: 'Your session has ended' }));
    // The browser reports the answers that this test made.
    faults.splice(0);
    await signIn(page);
  });

  it('opens a link of another site, such as one in a mail, without another sign-in', async () => {
    await page.goto('about:blank');
    await page.setContent(`<a href="${service.url}/console/audit">Audit</a>`);
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
  });

  it('signs out, and asks other sites for nothing', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(faults).toEqual([]);
  });
});

/** Axe takes most of the time, and hostile text changes only the layout. */
const WORLDS: [World, schemes: ('light' | 'dark')[]][] = [
  ['full', ['light', 'dark']],
  ['empty', ['light']],
  ['hostile', []],
];

describe.skipIf(!hasBrowser()).each(WORLDS)('each page in a browser, %s', (world, schemes) => {
  let app: NestFastifyApplication;
  let url: string;
  let own: Browser;
  let shown: Page;

  beforeAll(async () => {
    app = await startConsole(world, { OPS_TOKENS: '' });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    own = await openBrowser();
    shown = await (await own.newContext({ reducedMotion: 'reduce' })).newPage();
  });
  afterAll(async () => {
    await own?.close();
    await app?.close();
  });

  const visits = [...PAGES, '/console/login', '/console/nowhere'].map((path) => ({ path, button: null }));
  const previews = [
    { path: '/console/dead-letters', button: /^Replay all/ },
    { path: '/console/rejections', button: /^Repair and replay all/ },
    { path: '/console/marketo', button: /^Repair/ },
  ];
  it.each([...visits, ...(world === 'empty' ? [] : previews)])(
    '$path $button has no accessibility fault, and fits the screen from 320 pixels on',
    async ({ path, button }) => {
      await shown.goto(url + path);
      if (button) await shown.getByRole('button', { name: button }).click();
      for (const colorScheme of schemes) {
        await shown.emulateMedia({ colorScheme });
        expect(await accessibilityFaults(shown), colorScheme).toEqual([]);
      }
      for (const width of [320, 768, 1280]) {
        await shown.setViewportSize({ width, height: 800 });
        const excess = await shown.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(excess, `at ${width}`).toBeLessThanOrEqual(0);
      }
    },
  );
});
