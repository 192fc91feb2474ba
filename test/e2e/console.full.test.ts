import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleVisit, formsOf } from '../support/console-visit.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { OPERATORS, SECRET, TOKEN } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const VIEWER = 'v'.repeat(40);
const HOSTILE = '<script>alert(1)</script>"\'&\u202Egnp.exe\u0007';
const PAGE_BYTES = 100 * 1024;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let operator: ConsoleVisit;
let viewer: ConsoleVisit;
let synced: string;
let dead: string;
let rejection: string;

const send = (body: unknown) => service.post(body, { headers: { 'x-webhook-secret': SECRET } });

beforeAll(async () => {
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ...OPERATORS });
  operator = new ConsoleVisit(service.url);
  viewer = new ConsoleVisit(service.url);
  await operator.signIn(TOKEN);
  await viewer.signIn(VIEWER);
});
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
});

const PAGES = ['', '/leads', '/dead-letters', '/rejections', '/stages', '/sla', '/scores', '/audit', '/runbook', '/api'].map(
  (path) => `/console${path}`,
);

describe('the empty console', () => {
  it.each(PAGES)('%s says so on a small page of its own files only', async (path) => {
    const answer = await operator.get(path);
    const html = await answer.text();
    expect(answer.status).toBe(200);
    expect(html.length).toBeLessThan(PAGE_BYTES);
    expect(answer.headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/,
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(html).not.toMatch(/<script>|<style|\sstyle=|\son[a-z]+=|(?:src|href)="(?:https?:)?\/\//);
    expect(html).toContain('<html lang="en">');
  });

  it('says how to send the first lead', async () => {
    expect(await operator.html('/console')).toContain(`curl -X POST ${service.url}/leads`);
  });

  it.each(PAGES)('%s sends a stranger to the sign-in page and back', async (path) => {
    const answer = await new ConsoleVisit(service.url).get(path);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/console/login?next=${encodeURIComponent(path)}`]);
  });
});

describe('the console with leads', () => {
  beforeAll(async () => {
    synced = (
      await send({ email: 'ann@acme.example', name: 'Ann Berg', campaign_id: 'launch', company: 'Acme', title: 'VP Sales' })
    ).body.leadId;
    await eventually(async () => expect((await operator.html(`/console/leads/${synced}`)).includes('>synced<')).toBe(true));
    await send({ email: 'ann@acme.example', name: 'Ann Berg', campaign_id: 'launch', company: 'Acme', title: 'CEO' });
    await sql.query("ALTER TABLE mock_crm.leads ADD CONSTRAINT no_beta CHECK (company <> 'Beta')");
    dead = (await send({ email: 'bo@beta.example', name: HOSTILE, campaign_id: 'launch', company: 'Beta', message: HOSTILE }))
      .body.leadId;
    await send('{"email": "cy@gamma.example", "name": "Cy "The Boss" Poe", "campaign_id": "launch"}');
    await eventually(async () => expect(await operator.html('/console/dead-letters')).toContain(dead));
    rejection = (await sql.query<{ id: string }>('SELECT id FROM ledger.rejections')).rows[0]!.id;
  });

  it('lists them, by filters of the address', async () => {
    // Its second revision may still be in progress.
    await eventually(async () => expect(await operator.html('/console/leads?state=synced')).toContain('Ann Berg'));
    expect(await operator.html('/console/leads?state=discarded')).toContain('No lead matches');
    expect((await operator.get('/console/leads?state=nonsense')).status).toBe(400);
  });

  it('finds a person by an address that stays out of every address', async () => {
    const answer = await operator.submit('/console/leads', '/console/leads/search', { email: 'ann@acme.example' });
    expect(await answer.text()).toContain('Ann Berg');
  });

  it('shows why a lead has its score, what changed and what the CRM got', async () => {
    await eventually(async () => expect(await operator.html(`/console/leads/${synced}`)).toContain('revision 2'));
    const html = await operator.html(`/console/leads/${synced}`);
    for (const part of ['base score', 'Fit score', '<del>', 'Sent to postgres', 'in the CRM after']) expect(html).toContain(part);
  });

  it('has a lead scored again, which its timeline and the CRM show', async () => {
    const path = `/console/leads/${synced}`;
    await eventually(async () => expect(await operator.html(path)).toContain('Re-score'));
    const answer = await operator.submit(path, `${path}/rescore`);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `${path}?done=rescored`]);
    await eventually(async () => {
      const html = await operator.html(path);
      for (const part of ['A new score was requested by ann', 'Re-scored', 'CRM updated with the new score']) {
        expect(html).toContain(part);
      }
    });
    expect((await operator.post(`/console/leads/${dead}/rescore`, formsOf(await operator.html(path))[0]!.fields)).status).toBe(
      404,
    );
  });

  it('keeps the filters of a list under a name, without the text of a search', async () => {
    const saved = await operator.submit('/console/leads?state=synced&q=Ann', '/console/leads/views', { name: 'In the CRM' });
    expect(saved.headers.get('location')).toBe('/console/leads?state=synced');
    expect(await viewer.html('/console/leads')).toContain('In the CRM');
    await operator.submit('/console/leads?state=synced', '/console/leads/views/delete');
    expect(await viewer.html('/console/leads')).not.toContain('In the CRM');
    expect(await operator.html('/console/audit')).toContain('save-view');
  });

  it('shows what became of the person', async () => {
    const answer = await fetch(`${service.url}/ops/outcomes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ann@acme.example', kind: 'won', at: '2026-01-31T10:00:00Z', amount: 500, currency: 'EUR' }),
    });
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'recorded' }]);
    const page = await operator.html(`/console/leads/${synced}`);
    expect(page).toContain('What became of the person');
    expect(page).toContain('500 EUR');
  });

  it('escapes what a sender wrote, and shows what cannot be seen', async () => {
    // The correction form contains the exact value in its own field, where bidi characters cannot reorder other text.
    expect(await operator.html(`/console/dead-letters/${dead}`)).not.toContain('<script>alert');
    for (const path of [`/console/leads/${dead}`, '/console/leads', '/console/dead-letters']) {
      const html = await operator.html(path);
      expect(html).not.toContain('<script>alert');
      for (const character of ['\u202E', '\u0007']) expect(html).not.toContain(character);
    }
    expect(await operator.html(`/console/leads/${dead}`)).toContain('U+202E');
  });

  it('masks personal data for viewers until they ask, which the audit log records', async () => {
    const masked = await viewer.html(`/console/leads/${synced}`);
    expect(masked).not.toMatch(/ann@acme|Ann Berg/);
    const shown = await (await viewer.submit(`/console/leads/${synced}`, `/console/leads/${synced}/show`)).text();
    expect(shown).toContain('ann@acme.example');
    expect(await operator.html('/console/audit')).toContain('show-personal-data');
    expect(await viewer.html('/console/leads.csv')).not.toMatch(/ann@acme|Ann Berg/);
  });

  it('shows viewers no action, and refuses theirs', async () => {
    for (const path of [`/console/leads/${dead}`, `/console/dead-letters/${dead}`, '/console/stages', '/console/dead-letters']) {
      const actions = formsOf(await viewer.html(path)).map(({ action }) => action);
      expect(actions.filter((action) => !/search|show|logout|^\/console\/leads$/.test(action))).toEqual([]);
    }
    const { formToken } = formsOf(await viewer.html('/console/stages'))[0]!.fields as { formToken: string };
    expect((await viewer.post('/console/stages/crm-sync/pause', { formToken })).status).toBe(403);
  });

  it('refuses a form of another page or another site', async () => {
    expect((await operator.post('/console/stages/crm-sync/pause', { formToken: 'x' })).status).toBe(403);
    const page = formsOf(await operator.html('/console/stages'))[0]!;
    expect((await operator.post('/console/stages/crm-sync/pause', page.fields, 'cross-site')).status).toBe(403);
    expect(await operator.html('/console/stages')).not.toContain('Resume crm-sync');
  });

  it('pauses and resumes a stage', async () => {
    expect((await operator.submit('/console/stages', '/console/stages/crm-sync/pause')).status).toBe(303);
    await eventually(async () => expect(await viewer.html('/console')).toContain('crm-sync is paused'));
    expect((await operator.submit('/console/stages', '/console/stages/crm-sync/resume')).status).toBe(303);
  });

  it('shows which share of the API calls of the day is used, and what to do when they run low', async () => {
    await sql.query("INSERT INTO flow.api_usage (api, share) VALUES ('salesforce', 0.9)");
    await eventually(async () => {
      const html = await viewer.html('/console');
      for (const part of ['API calls of salesforce', '90 %', '/console/runbook#the-crm-api-budget-runs-out']) {
        expect(html).toContain(part);
      }
    });
  });

  it('marks the place that broke a body', async () => {
    const html = await operator.html(`/console/rejections/${rejection}`);
    expect(html).toContain('cy@gamma.example');
    expect(await viewer.html(`/console/rejections/${rejection}`)).not.toContain('cy@gamma.example');
  });

  it('repairs and replays all requests of a broken template at a rate, after a trial', async () => {
    for (const name of ['ed', 'flo', 'gus']) await send({ contact: `${name}@delta.example`, campaign_id: 'launch' });
    const list = await operator.html('/console/rejections');
    const cause = /cause=([0-9a-f]{32})"[^>]*><bdi>[^<]*email/.exec(list)![1]!;
    const preview = await (await operator.submit(`/console/rejections?cause=${cause}`, '/console/bulk', { cause })).text();
    expect(preview).toContain('3 of 3 of the sample would still be refused');
    const form = formsOf(preview).find(({ action }) => action === '/console/bulk/start')!;
    const repair = { ...form.fields, 'from.email': 'contact', perSecond: '100' };
    expect(await (await operator.post('/console/bulk', repair)).text()).toContain('All 3 of the sample would be accepted');
    const started = await operator.post('/console/bulk/start', repair);
    const progress = started.headers.get('location')!;
    await eventually(async () => expect(await operator.html(progress)).toContain('3 in the CRM'));
    expect(await operator.html(progress)).toContain('3 of 3');
    expect((await (await operator.get(`${progress}/results.csv`)).text()).trim().split('\r\n')).toHaveLength(4);
    expect(await operator.html('/console/rejections')).not.toContain(cause);
    expect(await operator.html('/console/audit')).toContain('renamed.email contact');
  });

  it('continues a bulk action that a killed process left, and replays nothing twice', async () => {
    for (const name of ['hal', 'ina']) await send({ contact: `${name}@delta.example`, campaign_id: 'launch' });
    // One of the three had its turn before the kill, and that was not recorded.
    const { rows } = await sql.query<{ id: string }>(
      `INSERT INTO ledger.bulk_actions (kind, who, filter, lead_ids, open_ids, per_second)
       SELECT 'replay-rejections', 'ann', '{"renamed": {"email": "contact"}}', '{}', array_agg(id), 1
       FROM ledger.rejections WHERE encode(body, 'escape') ~ '(hal|ina|gus)@delta' RETURNING id`,
    );
    const count = async () => (await sql.query<{ n: number }>('SELECT count(*)::int AS n FROM ledger.leads')).rows[0]!.n;
    const before = await count();
    await eventually(async () => expect(await operator.html(`/console/bulk/${rows[0]!.id}`)).toContain('3 in the CRM'));
    expect(await count()).toBe(before + 2);
  });

  it('stops a bulk action on its way', async () => {
    for (const name of ['jan', 'kai', 'lea']) await send({ contact: `${name}@delta.example`, campaign_id: 'launch' });
    const form = formsOf(await (await operator.submit('/console/rejections', '/console/bulk')).text()).find(
      ({ action }) => action === '/console/bulk/start',
    )!;
    const fields = { ...form.fields, 'from.email': 'contact', perSecond: '1' };
    const progress = (await operator.post('/console/bulk/start', fields)).headers.get('location')!;
    expect((await operator.submit(progress, `${progress}/stop`)).status).toBe(303);
    expect(await operator.html(progress)).not.toContain('not begun');
    expect(await operator.html('/console/audit')).toContain('stop-bulk-action');
    await sql.query('DELETE FROM ledger.rejections WHERE replayed_as IS NULL');
  });

  it('keeps a dead letter as it is where the correction is wrong, and replays it where it is right', async () => {
    const path = `/console/dead-letters/${dead}`;
    const wrong = await operator.submit(path, path, { 'field.email': 'nobody' });
    expect([wrong.status, (await wrong.text()).includes('Nothing was changed')]).toEqual([400, true]);
    const late = await operator.submit(path, path, { 'field.company': 'Beta AG', revision: '0' });
    expect([late.status, (await late.text()).includes('The lead was changed while you edited it')]).toEqual([400, true]);
    const right = await operator.submit(path, path, { 'field.company': 'Beta GmbH' });
    expect(right.headers.get('location')).toBe(`/console/leads/${dead}?done=edited`);
    // Sent again, or by an operator who was slower.
    for (const answer of [
      await operator.post(path, formsOf(await operator.html('/console/stages'))[0]!.fields),
      await operator.get(path),
    ]) {
      expect([answer.status, answer.headers.get('location')]).toEqual([303, `/console/leads/${dead}?done=before`]);
    }
    await eventually(async () => expect(await operator.html(`/console/leads/${dead}`)).toContain('>synced<'));
  });

  it('replays many only after a preview, with the number confirmed, and shows the result of each', async () => {
    const letter = (await send({ email: 'di@beta.example', name: 'Di', campaign_id: 'launch', company: 'Beta' })).body.leadId;
    await eventually(async () => expect(await operator.html('/console/dead-letters')).toContain(letter));
    const preview = await (await operator.submit('/console/dead-letters', '/console/bulk')).text();
    expect(preview).toContain('1 will be replayed');
    const start = formsOf(preview).find(({ action }) => action === '/console/bulk/start')!;
    const wrong = await operator.post('/console/bulk/start', { ...start.fields, count: '7' });
    expect([wrong.status, (await wrong.text()).includes('Nothing was replayed')]).toEqual([400, true]);
    await sql.query('ALTER TABLE mock_crm.leads DROP CONSTRAINT no_beta');
    const started = await operator.post('/console/bulk/start', start.fields);
    expect(started.status).toBe(303);
    expect((await operator.post('/console/bulk/start', start.fields)).headers.get('location')).toBe(
      started.headers.get('location'),
    );
    await eventually(async () => expect(await operator.html(started.headers.get('location')!)).toContain('1 of 1'));
  });

  it('stops a replay of dead letters on its way, and leaves those without a turn as they are', async () => {
    await sql.query(
      `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, attributes, state, received_at,
         content_at, died_at, last_error)
       SELECT gen_random_uuid(), sha256((n || '@gamma.example')::bytea), n || '@gamma.example', n || '@gamma.example', 'launch', '{}', 'dead', now(), now(),
         now(), '{"stage": "enrichment", "code": "SEEDED", "class": "record", "message": "seeded", "at": "2026-01-01T00:00:00Z"}'
       FROM generate_series(1, 300) n`,
    );
    const preview = await (await operator.submit('/console/dead-letters?code=SEEDED', '/console/bulk')).text();
    const start = formsOf(preview).find(({ action }) => action === '/console/bulk/start')!;
    const started = await operator.post('/console/bulk/start', { ...start.fields, count: '300', perSecond: '1' });
    const progress = started.headers.get('location')!;
    await eventually(async () => expect(await operator.html(progress)).toContain('1 in the CRM'));
    expect((await operator.submit(progress, `${progress}/stop`)).status).toBe(303);
    const counted = async (): Promise<number> =>
      (await sql.query<{ n: number }>("SELECT count(*)::int AS n FROM ledger.leads WHERE last_error->>'code' = 'SEEDED'"))
        .rows[0]!.n;
    const left = await counted();
    expect(left).toBeGreaterThan(0);
    await eventually(async () => expect(await operator.html(progress)).toContain('>done<'));
    expect([await counted(), (await operator.html(progress)).includes('not begun')]).toEqual([left, false]);
    await sql.query("DELETE FROM ledger.leads WHERE last_error->>'code' = 'SEEDED'");
  });

  it('lists and replays the dead letters of one cause alone', async () => {
    await sql.query(
      `INSERT INTO ledger.leads (id, person_key, email, email_raw, campaign_id, attributes, state, received_at,
         content_at, died_at, last_error)
       SELECT gen_random_uuid(), sha256(n::text::bytea), n || '@eta.example', n || '@eta.example', 'launch', '{}', 'dead', now(), now(), now(),
         jsonb_build_object('stage', 'enrichment', 'code', 'SEEDED', 'class', 'record', 'message', 'seeded', 'at', now())
           || CASE WHEN n < 3 THEN '{"signature": "MISSING:Phone & Fax"}'::jsonb ELSE '{}' END
       FROM generate_series(1, 3) n`,
    );
    const path = '/console/dead-letters?code=SEEDED&signature=MISSING%3APhone+%26+Fax';
    const links = (await operator.html('/console/dead-letters')).replaceAll('&amp;', '&');
    for (const href of [path, '/console/dead-letters?code=SEEDED&signature=']) expect(links).toContain(`href="${href}"`);
    const [of, without] = [await operator.html(path), await operator.html('/console/dead-letters?code=SEEDED&signature=')];
    expect([of.includes('1@eta.example'), of.includes('3@eta.example')]).toEqual([true, false]);
    expect([without.includes('1@eta.example'), without.includes('3@eta.example')]).toEqual([false, true]);
    const preview = await (await operator.submit(path, '/console/bulk')).text();
    expect(preview).toContain('2 will be replayed');
    const start = formsOf(preview).find(({ action }) => action === '/console/bulk/start')!;
    const progress = (await operator.post('/console/bulk/start', start.fields)).headers.get('location')!;
    await eventually(async () => expect(await operator.html(progress)).toContain('2 in the CRM'));
    expect(await operator.html('/console/dead-letters')).toContain(`href="${progress}"`);
    const { rows } = await sql.query("SELECT email FROM ledger.leads WHERE last_error->>'code' = 'SEEDED'");
    expect(rows).toEqual([{ email: '3@eta.example' }]);
    await sql.query("DELETE FROM ledger.leads WHERE last_error->>'code' = 'SEEDED'");
  });

  it('answers an address of no lead with a page', async () => {
    const answer = await operator.get('/console/leads/00000000-0000-8000-8000-000000000000');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
  });

  it('erases a person only where the address was typed', async () => {
    const path = `/console/leads/${synced}`;
    expect((await operator.submit(path, `${path}/erase`, { email: 'other@acme.example' })).status).toBe(400);
    expect((await operator.submit(path, `${path}/erase`, { email: 'Ann@acme.example' })).status).toBe(303);
    expect((await operator.get(path)).status).toBe(404);
  });

  it('ends a session with its cookie', async () => {
    const guest = new ConsoleVisit(service.url);
    expect((await guest.signIn('w'.repeat(40))).status).toBe(401);
    const answer = await guest.signIn(VIEWER);
    expect(answer.headers.get('location')).toBe('/console/leads');
    expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
    const out = await guest.submit('/console', '/console/logout');
    expect(out.headers.get('set-cookie')).toMatch(/Max-Age=0/);
  });

  it('redirects to no other site after the sign-in', async () => {
    for (const next of [
      'https://evil.example',
      '//evil.example',
      '/consoles',
      '/console\\@evil.example',
      'javascript:alert(1)',
    ]) {
      const answer = await operator.post('/console/login', { token: TOKEN, next });
      expect(answer.headers.get('location')).toBe('/console');
    }
  });
});

describe('the mode of the console', () => {
  it('read-only shows everything and changes nothing; off has no page, as board and reference have', async () => {
    const env = { DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ROLE: 'api' };
    const readOnly = await startProcess({ ...env, CONSOLE: 'read-only' });
    try {
      const visit = new ConsoleVisit(readOnly.url);
      const html = await visit.html('/console/stages');
      expect(html).toContain('OPS_TOKENS is not set');
      expect(formsOf(html)).toEqual([]);
    } finally {
      await readOnly.stop();
    }
    const off = await startProcess({ ...env, CONSOLE: 'off', QUEUE_BOARD: 'off', API_DOCS: 'off' });
    try {
      for (const path of ['/console', '/ops/queues/board', '/docs']) expect((await off.get(path)).status, path).toBe(404);
      expect((await off.get('/openapi.json')).status).toBe(200);
    } finally {
      await off.stop();
    }
  });
});
