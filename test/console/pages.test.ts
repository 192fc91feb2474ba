import { readFileSync } from 'node:fs';
import { RequestMethod, type Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Window } from 'happy-dom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE, LEAD, OPERATOR_TOKEN, PAGES, startConsole, VIEWER_TOKEN, type World } from '../support/console-world.js';
import { ConsoleModule } from '../../src/console/console.module.js';
import { Layout, renderPage } from '../../src/console/layout.js';
import { OPERATIONS } from '../../src/ops/openapi/document.js';

/** What a page and the files that it loads may weigh together, without images. */
const PAGE_BYTES = 100 * 1024;
const FILE_BYTES = ['console.css', 'console.js'].reduce(
  (sum, name) => sum + readFileSync(`public/console/${name}`).byteLength,
  0,
);
/** Pages that need no store. */
const STATIC = new Set(['/console/runbook', '/console/api']);
const TOKENS = { operator: OPERATOR_TOKEN, viewer: VIEWER_TOKEN };
type Role = keyof typeof TOKENS | 'none';

/** The operation of the API that does the same as each form that changes something. */
const FORMS: [form: RegExp, operation: string | null][] = [
  [/^\/console\/leads\/[^/]+\/replay$/, 'replayDeadLetter'],
  [/^\/console\/leads\/[^/]+\/rescore$/, 'rescoreLead'],
  [/^\/console\/leads\/[^/]+\/erase$/, 'erasePerson'],
  [/^\/console\/dead-letters\/[^/]+$/, 'editDeadLetter'],
  [/^\/console\/dead-letters\/[^/]+\/discard$/, 'discardDeadLetter'],
  [/^\/console\/rejections\/[^/]+\/replay$/, 'replayRejection'],
  [/^\/console\/stages\/[^/]+\/pause$/, 'pauseQueue'],
  [/^\/console\/stages\/[^/]+\/resume$/, 'resumeQueue'],
  [/^\/console\/marketo\/repair(?:\/start)?$/, 'reconcileMarketo'],
  [/^\/console\/marketo\/[^/]+\/pause$/, 'pauseMarketo'],
  [/^\/console\/marketo\/[^/]+\/resume$/, 'resumeMarketo'],
  [/^\/console\/routing\/absences$/, 'setRoutingAbsences'],
  [/^\/console\/bulk(?:\/start)?$/, 'replayRejections'],
  // What only the console has: lists with a name, and the end of an action that it began.
  [/^\/console\/leads\/views(?:\/delete)?$/, null],
  [/^\/console\/bulk\/[^/]+\/stop$/, null],
];
const READ_FORMS = /\/(?:search|show|logout)$/;
/** Every address that takes a form, but that of the sign-in, which is everyone's. */
const ACTIONS = (Reflect.getMetadata('controllers', ConsoleModule) as Type[]).flatMap((controller) =>
  Object.values(Object.getOwnPropertyDescriptors(controller.prototype))
    .map(({ value }) => value as object)
    .filter((handler) => Reflect.getMetadata('method', handler) === RequestMethod.POST)
    .map((handler) => `/${Reflect.getMetadata('path', controller)}/${Reflect.getMetadata('path', handler)}`)
    .map((path) => path.replace(':id', LEAD).replace(':name', 'crm-sync').replace(':task', 'marketo-sync').replace(/\/+$/, ''))
    .filter((path) => path !== '/console/login'),
);

describe.each<World>(['empty', 'full', 'many', 'hostile', 'down'])('the console, %s', (world) => {
  let app: NestFastifyApplication;
  const cookies: Record<Role, string> = { operator: '', viewer: '', none: '' };

  beforeAll(async () => {
    app = await startConsole(world);
    for (const role of ['operator', 'viewer'] as const) {
      const payload = new URLSearchParams({ token: TOKENS[role] }).toString();
      const answer = await post('/console/login', payload, 'none');
      cookies[role] = String(answer.headers['set-cookie']).split(';')[0]!;
    }
  });
  afterAll(() => app.close());

  const get = (url: string, role: Role) => app.inject({ url, headers: { cookie: cookies[role] } });
  const post = (url: string, payload: string, role: Role) =>
    app.inject({
      method: 'POST',
      url,
      payload,
      headers: { cookie: cookies[role], 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    });

  it.each(PAGES)('%s sends a reader without a session to the sign-in', async (path) => {
    const answer = await get(path, 'none');
    expect([answer.statusCode, answer.headers.location]).toEqual([303, `/console/login?next=${encodeURIComponent(path)}`]);
  });

  describe.each(['operator', 'viewer'] as const)('for the %s', (role) => {
    it.each(PAGES)('%s is a whole, safe and accessible page', async (path) => {
      const answer = await get(path, role);
      const down = world === 'down' && !STATIC.has(path);
      expect(answer.statusCode).toBe(down ? 503 : 200);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['content-security-policy']).toMatch(/default-src 'none'.*script-src 'self'/);
      expect(Buffer.byteLength(answer.body)).toBeLessThan(PAGE_BYTES - FILE_BYTES);
      // Controls of a form hold the exact values, where they reorder nothing else.
      const visible = answer.body.replaceAll(/<(?:input|option|textarea) (?:[^>"]|"[^"]*")*>(?:[^<]*<\/textarea>)?/g, '');
      expect(visible).not.toMatch(/<script>|<style|\sstyle=|\son[a-z]+=/);
      for (const character of ['\u202E', '\u0007']) expect(visible).not.toContain(character);
      const document = documentOf(answer.body);
      expect(faultsOf(document)).toEqual([]);
      const main = document.querySelector('main')!.textContent;
      if (down) {
        expect(main).toContain('PostgreSQL does not answer');
        const links = [...document.querySelectorAll('main a')].map((link) => link.getAttribute('href'));
        expect(links).toEqual(expect.arrayContaining([path, '/console/runbook#postgresql-is-down']));
      }
      if (!STATIC.has(path)) expect(main).not.toMatch(/undefined|NaN|\[object|null/);
    });

    it.each(PAGES)('%s has forms that exist and that the role may send', async (path) => {
      for (const { method, action } of formsIn(documentOf((await get(path, role)).body))) {
        if (method === 'get') {
          expect((await get(action, role)).statusCode, action).not.toBe(404);
          continue;
        }
        // Without the form's token the request is refused, after its route was found.
        const refused = await post(action, 'formToken=x', role);
        expect(refused.statusCode, action).toBe(403);
        if (READ_FORMS.test(action)) continue;
        expect(role, action).toBe('operator');
        const [, id] = FORMS.find(([form]) => form.test(action)) ?? [];
        expect(id, action).toBeDefined();
        if (id) expect(OPERATIONS.find((operation) => operation.id === id)?.access, action).toBe('operator');
      }
    });
  });
});

describe('the forms of the console', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    app = await startConsole('full');
  });
  afterAll(() => app.close());

  const send = (url: string, fields: Record<string, string>, cookie = '') =>
    app.inject({
      method: 'POST',
      url,
      payload: new URLSearchParams(fields).toString(),
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    });

  it('has an operation of the API for each, or needs none', () => {
    const changing = ACTIONS.filter((action) => !READ_FORMS.test(action));
    expect(changing.length).toBeGreaterThan(15);
    expect(changing.filter((action) => !FORMS.some(([form]) => form.test(action)))).toEqual([]);
  });

  it('takes a form that changes something from no viewer, and none without a session', async () => {
    const signedIn = await send('/console/login', { token: VIEWER_TOKEN });
    const cookie = String(signedIn.headers['set-cookie']).split(';')[0]!;
    const page = documentOf((await app.inject({ url: '/console/leads', headers: { cookie } })).body);
    const formToken = page.querySelector('input[name=formToken]')!.getAttribute('value')!;
    for (const action of ACTIONS) {
      const stranger = await send(action, { formToken });
      expect([stranger.statusCode, stranger.headers.location], action).toEqual([303, expect.stringMatching('^/console/login')]);
      if (READ_FORMS.test(action)) continue;
      const refused = await send(action, { formToken }, cookie);
      expect([refused.statusCode, refused.headers['content-type']], action).toEqual([403, 'text/html; charset=utf-8']);
      expect(refused.body).toContain('This token has the role viewer');
    }
  });
});

/** A visitor of `app`, without a session until `signIn`. */
function visitorOf(app: NestFastifyApplication) {
  let cookie = '';
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers: { cookie, ...headers } });
  const post = (url: string, fields: Record<string, string>, site = 'same-origin') =>
    app.inject({
      method: 'POST',
      url,
      payload: new URLSearchParams(fields).toString(),
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': site },
    });
  const signIn = async (token: string, fields: Record<string, string> = {}) => {
    const answer = await post('/console/login', { token, ...fields });
    cookie = String(answer.headers['set-cookie'] ?? '').split(';')[0]!;
    return answer;
  };
  const formToken = async () =>
    documentOf((await get('/console/leads')).body)
      .querySelector('input[name=formToken]')!
      .getAttribute('value')!;
  return { get, post, signIn, formToken };
}

it('shows on each page whether changes reach a real CRM, in a colour of its own', () => {
  const viewer = { operator: null, canAct: false, formToken: '', now: new Date(), refreshes: false, waiting: null };
  const styles = readFileSync('public/console/console.css', 'utf8');
  const looks = (['MOCK', 'REAL'] as const).map((env) => {
    const page = renderPage(Layout({ title: 'Now', section: '/console', viewer: { ...viewer, env }, children: null }));
    const badge = documentOf(page).querySelector(`.env-${env.toLowerCase()}`);
    expect(badge?.textContent).toBe(env);
    return new RegExp(`\\.env-${env.toLowerCase()} \\{([^}]*)\\}`).exec(styles)![1];
  });
  expect(new Set(looks).size).toBe(2);
});

describe('a session', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    app = await startConsole('full');
  });
  afterAll(() => app.close());

  it.each([
    ['a page of the console', OPERATOR_TOKEN, '/console/leads?state=dead', 303, '/console/leads?state=dead'],
    ['a break of the line', OPERATOR_TOKEN, '/console/\r\nset-cookie: x=y', 303, '/console'],
    ['letters beyond ASCII', OPERATOR_TOKEN, '/console/日本', 303, '/console'],
    ['an endless address', OPERATOR_TOKEN, `/console/${'x'.repeat(17_000)}`, 303, '/console'],
    ['an endless secret', 'x'.repeat(5000), '/console', 401, undefined],
  ])('is opened, or not, and leads to %s as far as it is one', async (_, token, next, status, location) => {
    const answer = await visitorOf(app).signIn(token, { next });
    expect([answer.statusCode, answer.headers.location]).toEqual([status, location]);
    expect((await visitorOf(app).get(`/console/login?next=${encodeURIComponent(next)}&next=x`)).statusCode).toBe(200);
  });

  it('ends for every copy of its cookie when its operator signs out, and for no other session', async () => {
    const [one, other] = [visitorOf(app), visitorOf(app)];
    for (const visitor of [one, other]) await visitor.signIn(OPERATOR_TOKEN);
    const formToken = await one.formToken();
    expect((await one.post('/console/logout', { formToken })).statusCode).toBe(303);
    for (const answer of [await one.get('/console'), await one.post('/console/stages/crm-sync/pause', { formToken })]) {
      expect([answer.statusCode, answer.headers.location]).toEqual([303, '/console/login?next=%2Fconsole']);
    }
    expect((await other.get('/console')).statusCode).toBe(200);
  });

  it('takes no form of another site, and leads each address of a form to its page', async () => {
    const visitor = visitorOf(app);
    await visitor.signIn(OPERATOR_TOKEN);
    const formToken = await visitor.formToken();
    expect((await visitor.post('/console/login', { token: OPERATOR_TOKEN }, 'cross-site')).statusCode).toBe(403);
    for (const action of ACTIONS) {
      expect((await visitor.post(action, { formToken }, 'cross-site')).statusCode, action).toBe(403);
      const page = await visitor.get(action);
      if (page.statusCode !== 200) {
        expect([page.statusCode, page.headers.location], action).toEqual([303, expect.stringMatching(/^\/console/)]);
        expect(action).toContain(page.headers.location!);
      }
    }
  });

  it('is asked for again by a page of this site where a link of another one led to the sign-in', async () => {
    const { body } = await visitorOf(app).get('/console/login?next=/console/leads', { 'sec-fetch-site': 'cross-site' });
    expect(body).toContain('<meta http-equiv="refresh" content="0;url=/console/leads"/>');
  });
});

describe('an address that cannot be read', () => {
  it.each([
    ['/console/leads?state=nonsense', 'state must be one of received, enriched'],
    ['/console/leads?state=dead&state=synced', 'state must be a string'],
    ['/console/leads?minScore=high', 'minScore must be a whole number from 0 to 100'],
    ['/console/leads?email=ann%40acme.example', 'email is not known here'],
    ['/console/leads?from=2026-13-45', 'from must be a time'],
    ['/console/leads.csv?state=nonsense', 'state must be one of received'],
    ['/console/dead-letters?cursor=x', 'The cursor is not one that this service gave'],
    ['/console/rejections?cause=zz', 'cause is not one of the list of causes'],
    ['/console/scores?target=nonsense', 'target must be one of'],
    ['/console/sla?minutes=0', 'minutes must be a whole number from 1 to 1440'],
    ['/console/audit?before=x', 'before is not a place in the log'],
    [`/console/routing?owner=${'x'.repeat(101)}`, 'owner must have at most 100 characters'],
  ])('%s: a page says what is wrong with it', async (url, words) => {
    const app = await startConsole('empty', { OPS_TOKENS: '' });
    try {
      const { statusCode, headers, body } = await app.inject({ url });
      expect(statusCode).toBe(400);
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      expect(headers).not.toHaveProperty('content-disposition');
      expect(documentOf(body).querySelector('main')!.textContent).toContain(words);
    } finally {
      await app.close();
    }
  });
});

describe('a replay of many', () => {
  it('of none begins nothing', async () => {
    const app = await startConsole('empty', { OPS_TOKENS: '' });
    try {
      const visitor = visitorOf(app);
      const formToken = await visitor.formToken();
      for (const act of ['replay-dead-letters', 'replay-rejections']) {
        const document = documentOf((await visitor.post('/console/bulk', { formToken, act })).body);
        expect(document.querySelector('main')!.textContent).toContain('There is nothing to replay');
        expect(document.querySelector('form[action="/console/bulk/start"]')).toBeNull();
      }
    } finally {
      await app.close();
    }
  });
});

describe('Now', () => {
  const main = async (world: World, path = '/console') => {
    const app = await startConsole(world, { OPS_TOKENS: '' });
    try {
      return documentOf((await app.inject({ url: path })).body).querySelector('main')!.textContent;
    } finally {
      await app.close();
    }
  };

  it('counts leads that wait too long as late', async () => {
    // Three are in the CRM in time, and three wait beyond the SLA.
    const text = await main('full');
    for (const part of ['50 %', 'of 6 leads within 5 min', '3 leads wait beyond the SLA']) expect(text).toContain(part);
  });

  it('does not say that everything works while the queue store is down', async () => {
    expect(await main('no-queue')).toContain('The queue store does not answer');
    expect(await main('no-queue', '/console/stages')).toContain('the queue store does not answer');
  });
});

describe('personal data', () => {
  it('is masked for a viewer on every page, and shown to an operator', async () => {
    const app = await startConsole('full');
    try {
      const cookieOf = async (token: string) => {
        const payload = new URLSearchParams({ token }).toString();
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        const answer = await app.inject({ method: 'POST', url: '/console/login', payload, headers });
        return String(answer.headers['set-cookie']).split(';')[0]!;
      };
      const [operator, viewer] = [await cookieOf(OPERATOR_TOKEN), await cookieOf(VIEWER_TOKEN)];
      for (const path of [...PAGES, '/console/leads.csv']) {
        expect((await app.inject({ url: path, headers: { cookie: viewer } })).body, path).not.toContain('ann@acme');
      }
      const shown = await app.inject({ url: `/console/leads/${LEAD}`, headers: { cookie: operator } });
      expect(shown.body).toContain('ann@acme.example');
    } finally {
      await app.close();
    }
  });
});

describe('an address of no page', () => {
  it('is answered with a page that has the navigation', async () => {
    const app = await startConsole('empty', { OPS_TOKENS: '' });
    try {
      for (const url of ['/console/nowhere', '/console/leads/of/nothing']) {
        const answer = await app.inject({ url });
        const document = documentOf(answer.body);
        expect([answer.statusCode, faultsOf(document)], url).toEqual([404, []]);
        expect(document.querySelector('nav[aria-label="Console"] a')).not.toBeNull();
      }
      expect((await app.inject({ url: '/console/assets/nothing.js' })).statusCode).toBe(404);
    } finally {
      await app.close();
    }
  });
});

describe('the audit log', () => {
  it('can be downloaded as a table', async () => {
    const app = await startConsole('full', { OPS_TOKENS: '' });
    try {
      const answer = await app.inject({ url: '/console/audit.csv?act=replay' });
      expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
      expect(answer.headers['content-disposition']).toBe('attachment; filename="audit.csv"');
      const [head, first, ...others] = answer.body.trim().split('\r\n');
      expect(head).toBe('at,who,act,detail');
      expect(first).toMatch(/^2026-11-27T10:00:00.000Z,Acme & Co,replay,reason Acme & Co$/);
      expect(others).toHaveLength(2);
    } finally {
      await app.close();
    }
  });
});

describe('the API', () => {
  it('can be downloaded as its document', async () => {
    const app = await startConsole('empty', { OPS_TOKENS: '' });
    try {
      const answer = await app.inject({ url: '/console/api/openapi.json' });
      expect(answer.headers['content-disposition']).toBe('attachment; filename="openapi.json"');
      expect(Object.keys((answer.json() as { paths: object }).paths)).toContain('/leads');
    } finally {
      await app.close();
    }
  });
});

describe('hostile text', () => {
  it('reaches the pages as text, with the invisible characters named', async () => {
    const app = await startConsole('hostile', { OPS_TOKENS: '' });
    try {
      const document = documentOf((await app.inject({ url: '/console/leads' })).body);
      expect(document.querySelector('tbody')!.textContent).toContain(
        HOSTILE.slice(0, 80).replace('\u202E', 'U+202E').replace('\u0007', 'U+0007'),
      );
    } finally {
      await app.close();
    }
  });
});

type Page = InstanceType<typeof Window>['document'];

function documentOf(html: string): Page {
  const { document } = new Window({ settings: { disableJavaScriptFileLoading: true, disableCSSFileLoading: true } });
  document.write(html);
  return document;
}

function formsIn(document: Page): { method: string; action: string }[] {
  const forms = [...document.querySelectorAll('form')].map((form) => ({
    method: form.getAttribute('method')!,
    action: form.getAttribute('action')!,
  }));
  const others = [...document.querySelectorAll('[formaction]')].map((button) => ({
    method: 'post',
    action: button.getAttribute('formaction')!,
  }));
  return [...forms, ...others];
}

/** What a reader of assistive technology would miss, and what a browser would do wrong. */
function faultsOf(document: Page): string[] {
  const faults: string[] = [];
  const require = (holds: boolean, fault: string) => void (holds || faults.push(fault));
  require(document.documentElement.getAttribute('lang') === 'en', 'no language');
  require(document.title.endsWith('· RevenueFlow AI') && document.title.length > 18, `title ${document.title}`);
  require(document.querySelectorAll('main').length === 1, 'not one main');
  require(document.querySelectorAll('h1').length === 1, `${document.querySelectorAll('h1').length} h1`);
  for (const nav of document.querySelectorAll('nav')) require(nav.hasAttribute('aria-label'), 'nav without a name');
  const current = document.querySelectorAll('nav[aria-label="Console"] [aria-current="page"]');
  require(current.length <= 1, 'two current pages');
  for (const control of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    const name = control.getAttribute('aria-label') ?? control.closest('label')?.querySelector('span')?.textContent ?? '';
    require(name.trim() !== '', `control without a name: ${control.getAttribute('name')}`);
  }
  for (const button of document.querySelectorAll('button, summary')) {
    require(button.textContent.trim() !== '', 'button without a name');
  }
  for (const link of document.querySelectorAll('a')) {
    require(link.textContent.trim() !== '', `link without a name: ${link.getAttribute('href')}`);
    require(/^(?:\/|#|https:\/\/)/.test(link.getAttribute('href') ?? ''), `link to ${link.getAttribute('href')}`);
  }
  for (const image of document.querySelectorAll('svg, img')) {
    const named = image.hasAttribute('aria-label') || image.hasAttribute('aria-hidden') || image.hasAttribute('alt');
    require(named, 'image without a name');
  }
  for (const table of document.querySelectorAll('table')) {
    const generated = table.closest('.document') !== null;
    require(generated || table.querySelector('caption') !== null, 'table without a caption');
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  require(new Set(ids).size === ids.length, 'an id occurs twice');
  return faults;
}
