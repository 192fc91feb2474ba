import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { fillService, WITH_ROUTING } from '../support/every-operation.js';
import { cli, CLI, OPERATORS, SECRET, spawnCli, TOKEN } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

const MISSING = '11111111-1111-8111-8111-111111111111';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sql: pg.Client;
let service: RunningProcess;
let folder: string;
let env: Record<string, string>;
/** Values of the placeholders in the tables below. */
let names: Record<string, string>;

/** Five dead letters, one synced lead and two rejections. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revenueflow-cli-'));
  database = await freshDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  service = await startProcess({ DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', ...OPERATORS, ...WITH_ROUTING });
  const { synced, dead, rejections } = await fillService(service, sql);
  env = { REVENUEFLOW_URL: service.url, REVENUEFLOW_TOKEN: TOKEN, WEBHOOK_SECRETS: SECRET };
  names = { SYNCED: synced, DEAD: dead[0]!, PREFIX: dead[0]!.slice(0, 8), REJECTION: rejections[0]!.slice(0, 8) };
});
afterAll(async () => {
  await service.stop();
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const filled = (words: string) => words.split(' ').map((word) => names[word] ?? word);
const run = (words: string, more: Record<string, string> = {}) => cli({ ...env, ...more }, ...filled(words));
const spawned = (words: string, more: Record<string, string> = {}) => spawnCli({ ...env, ...more }, ...filled(words));
const states = async () => {
  const { rows } = await sql.query<{ n: number }>("SELECT count(*)::int AS n FROM ledger.leads WHERE state = 'dead'");
  return rows[0]!.n;
};

/** Runs the CLI on a pseudo-terminal and types the answer. */
function onTerminal(words: string, answer: string): Promise<{ code: number; text: string }> {
  const command = [process.execPath, CLI, ...filled(words)].map((word) => `'${word}'`).join(' ');
  const { PATH = '' } = process.env;
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { PATH, TZ: 'UTC', ...env }, stdio: 'pipe' });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (text.includes('[y/N]') && answer !== '') child.stdin.write(answer);
    if (text.includes('[y/N]')) answer = '';
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, text })));
}

describe('exit codes and messages', () => {
  it.each<[string, number, RegExp]>([
    ['--version', 0, /^\d+\.\d+\.\d+\n$/],
    ['version', 0, /^\d+\.\d+\.\d+\n$/],
    ['--help', 0, /leads +list.*Exit codes:.*5 {2}the service cannot be reached/s],
    ['dlq', 0, /Usage: revenueflow dlq/],
    ['dead-letters discard --help', 0, /--reason <text> .*\(required\)/],
    ['nonsense', 2, /unknown command 'nonsense'/],
    [
      'leads nonsense',
      2,
      /Unknown command "revenueflow leads nonsense"\. The commands are list, get, rescore, search, import, watch\./,
    ],
    ['people nonsense', 2, /Unknown command "revenueflow people nonsense"/],
    ['leads list --from yesterday', 2, /^--from yesterday is not a time/],
    ['leads list --limit 0', 2, /must be a whole number from 1/],
    ['leads list --format yaml', 2, /Allowed choices are table, json, csv/],
    ['leads get', 2, /missing required argument/],
    ['leads get xyz', 2, /neither an id/],
    ['leads get SYNCED --format csv', 2, /CSV is for lists/],
    ['leads search ann', 2, /not an e-mail/],
    ['leads import nofile.csv', 2, /^nofile\.csv: no such file\.\n$/],
    ['leads import .', 2, /^\.: this is a folder, not a file\.\n$/],
    ['queues pause other', 2, /Allowed choices are enrichment, crm-sync/],
    ['dead-letters edit DEAD --set nonsense', 2, /"nonsense" is not field=value/],
    ['dead-letters edit DEAD --set email=nonsense', 2, /email/],
    ['dead-letters edit DEAD --set emial=a@b.co', 2, /emial: .*did you mean email\?.*--attribute <name=value>/],
    ['dead-letters edit DEAD', 2, /^Say what to correct: --set <field=value> or --attribute/],
    ['rejections replay REJECTION --set campain_id=7', 2, /did you mean campaign_id\?/],
    ['dead-letters replay', 2, /^Name a lead, or add --code <code> or --all\.\n$/],
    ['dead-letters replay DEAD --all', 2, /Use one of/],
    ['rejections replay --set email=a@b.co', 2, /give its id/],
    [`leads get ${MISSING}`, 3, /^No lead has this id/],
    ['leads get 00000000', 3, /No lead has an id that begins with 00000000/],
    ['leads get nobody@acme.com', 3, /^There is no lead with this e-mail\.\n$/],
    ['dead-letters get synced@acme.com', 3, /^There is no dead letter with this e-mail/],
    ['dead-letters get SYNCED', 3, /`revenueflow dead-letters list` lists them; `revenueflow leads get <id>` shows any lead/],
    ['rejections get 0000', 3, /No rejection has the id/],
    [`people receipt ${MISSING}`, 3, /No receipt has this id/],
    ['leads --url http://127.0.0.1:1', 5, /^No service answers at http:\/\/127\.0\.0\.1:1\./],
    ['leads --url nonsense', 2, /^--url is not a URL of the form/],
    ['crm check', 1, /^crm check works against Salesforce; set .*, or try `npm run fakes`\.\n$/],
    ['marketo check', 1, /^marketo check works against Marketo; set MARKETO_BASE_URL, .*, or try `npm run fakes`\.\n$/],
    ['marketo compare', 2, /Unknown command "revenueflow marketo compare"\. The commands are check, status, reconcile/],
    ['marketo reconcile --since tomorrow', 2, /must be a time in the past such as 30d, 12h/],
    ['marketo reconcile', 2, /Marketo is not configured: set MARKETO_BASE_URL/],
    ['marketo backfill --dry-run', 2, /Marketo is not configured: set MARKETO_BASE_URL/],
    ['marketo pause everything', 2, /Allowed choices are marketo-sync, marketo-reconciliation/],
    ['db migrate', 1, /^DATABASE_URL is required/],
  ])('%s: %i', async (words, code, message) => {
    const ended = await run(words);
    expect([ended.code, `${ended.stdout}${ended.stderr}`]).toEqual([code, expect.stringMatching(message)]);
    expect(ended.stderr).not.toMatch(/\n +at |GET \/|POST \//);
  });

  it.each<[Record<string, string>, number, RegExp]>([
    [{ REVENUEFLOW_TOKEN: '' }, 4, /needs a token\. Set REVENUEFLOW_TOKEN/],
    [{ REVENUEFLOW_TOKEN: 'w'.repeat(40) }, 4, /refuses the token/],
    [{ REVENUEFLOW_TOKEN: '', OPS_TOKENS: TOKEN }, 2, /^OPS_TOKENS is malformed: each entry must be name:role:secret/],
    [{ REVENUEFLOW_TOKEN: '', OPS_TOKENS: `bob:viewer:${'v'.repeat(40)},ann:operator:${TOKEN}` }, 0, /e-mail/],
    [{ REVENUEFLOW_URL: 'localhost' }, 2, /^REVENUEFLOW_URL is not a URL/],
  ])('with %j: %i', async (more, code, message) => {
    const ended = await run('leads list', more);
    expect([ended.code, `${ended.stdout}${ended.stderr}`]).toEqual([code, expect.stringMatching(message)]);
  });

  it.each<[string, number, RegExp]>([
    ['--help', 0, /Usage: revenueflow/],
    ['leads list --json -n 1', 0, /"items"/],
    ['nonsense', 2, /unknown command 'nonsense'/],
    [`leads get ${MISSING}`, 3, /^No lead has this id/],
    ['crm check', 1, /^crm check works against Salesforce/],
  ])('of the process: %s: %i', async (words, code, message) => {
    const ended = await spawned(words);
    expect([ended.code, `${ended.stdout}${ended.stderr}`]).toEqual([code, expect.stringMatching(message)]);
    expect(await run(words)).toEqual(ended);
  });

  it('a viewer may not act', async () => {
    const ended = await run('queues pause crm-sync', { REVENUEFLOW_TOKEN: 'v'.repeat(40) });
    expect(ended.code).toBe(4);
  });
});

describe('lists', () => {
  it('fit the terminal', async () => {
    const commands = ['leads', 'dead-letters list', 'rejections', 'leads get DEAD'];
    const printed = await Promise.all(commands.map((words) => run(words, { COLUMNS: '60' })));
    for (const { stdout } of printed) {
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    }
  });

  it('name people, and have exact values in CSV and JSON', async () => {
    const { stdout } = await run('leads list -n 50');
    expect(stdout).toMatch(/│ lead +│ state .*│ name +│ e-mail .*│ received/);
    expect(stdout).toMatch(/Ann Fine +│ synced@acme\.com.*(?:now|ago)/);
    const csv = (await run('leads list --format csv')).stdout.split('\n');
    expect(csv[0]).toBe('id,state,fitScore,intent,name,email,company,campaignId,receivedAt,syncedAt,lastError');
    expect(csv.find((line) => line.includes('synced@acme.com'))).toMatch(/,walk,\d{4}-\d\d-\d\dT[\d:.]+Z,/);
    const json = JSON.parse((await run('leads list --json -n 2')).stdout);
    expect(json).toEqual({ items: [expect.any(Object), expect.any(Object)], nextCursor: expect.any(String) });
    expect(JSON.parse((await run('leads list --json --limit all')).stdout)).toMatchObject({ nextCursor: null });
    expect((await run('leads list -q --state synced')).stdout).toBe(`${names['SYNCED']}\n`);
    expect((await run('dead-letters list --code NONE')).stdout).toBe('There are no dead letters with the code NONE.\n');
  });

  it('are filtered as the API filters them', async () => {
    const ids = async (words: string) => (await run(`leads list -q ${words}`)).stdout.split('\n').filter((id) => id !== '');
    const [newest, oldest] = await Promise.all([ids('--from 1h'), ids('--from 1h --sort oldest')]);
    expect(newest).toHaveLength(6);
    expect(oldest.toReversed()).toEqual(newest);
    expect(await ids('--search fine --min-score 0')).toEqual([names['SYNCED']]);
    expect((await run('leads search dead1@acme.com -q --state synced --to 1h')).stdout).toBe('');
  });

  it('show what operators did', async () => {
    for (const act of ['pause', 'resume']) {
      await fetch(`${service.url}/ops/queues/enrichment/${act}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
      });
    }
    const { items } = JSON.parse((await run('audit list --json -n 2')).stdout) as { items: { who: string; act: string }[] };
    expect(items.map(({ act }) => act)).toEqual(['resume', 'pause']);
    expect((await run(`audit --who ${items[0]!.who} --act pause -n 1`)).stdout).toMatch(/│ pause +│ .*enrichment/);
  });

  it('go to a file that only the user can read', async () => {
    const file = join(folder, 'leads.csv');
    expect(await run(`leads list --format csv -o ${file}`)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(8);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await run('leads list -o /nonexistent/x')).toMatchObject({
      code: 1,
      stderr: '/nonexistent/x cannot be written (ENOENT).\n',
    });
  });

  it('are read by another program that stops early', async () => {
    const script = `"${process.execPath}" "${CLI}" leads list --json | head -1`;
    const output = await new Promise((resolve) => {
      execFile(
        'bash',
        ['--norc', '-c', `set -o pipefail; ${script}`],
        { env: { PATH: process.env['PATH'], ...env } },
        (_, stdout, stderr) => resolve([stdout, stderr]),
      );
    });
    expect(output).toEqual(['{\n', '']);
  });
});

describe('a lead', () => {
  it('is found by its id, the beginning of it, or an e-mail, and several that fit are listed', async () => {
    for (const reference of ['DEAD', 'PREFIX', 'dead1@acme.com', 'DEAD1@ACME.COM']) {
      expect(JSON.parse((await run(`leads get ${reference} --json`)).stdout)).toMatchObject([{ id: names['DEAD'] }]);
      expect(JSON.parse((await run(`dead-letters get ${reference} --json`)).stdout)).toMatchObject({ id: names['DEAD'] });
    }
    await sql.query(
      `INSERT INTO ledger.leads SELECT (jsonb_populate_record(l, jsonb_build_object('id',
      overlay(l.id::text placing '0123456789ab' from 25), 'campaign_id', 'twin'))).* FROM ledger.leads l WHERE id = $1`,
      [names['DEAD']],
    );
    const ambiguous = await run('dead-letters discard PREFIX --reason x --yes');
    expect(ambiguous.code).toBe(2);
    expect(ambiguous.stderr).toMatch(
      /^Several ids begin with \w{8}\. Give more of the id:\n {2}[\w-]{36} {2}dead1@acme\.com {2}campaign/,
    );
    expect((await run('dead-letters discard dead1@acme.com --reason x --yes')).stderr).toMatch(
      /^2 dead letters have this e-mail/,
    );
    await sql.query("DELETE FROM ledger.leads WHERE campaign_id = 'twin'");
  });

  it('shows times in the zone of the machine or in UTC, which it names', async () => {
    expect((await spawned('leads get SYNCED', { TZ: 'Asia/Kolkata' })).stdout).toMatch(/Timeline \(times in \+05:30\)/);
    expect((await spawned('leads get SYNCED --utc', { TZ: 'Asia/Kolkata' })).stdout).toMatch(/Timeline \(times in UTC\)/);
  });
});

describe('routing', () => {
  const jo = '{"email":"jo@acme.com","campaign_id":"x","country":"DE"}';

  beforeAll(async () => {
    const only = { reps: [{ id: 'cy' }], pools: [], fallback: { rep: 'cy' } };
    const files = {
      CY: JSON.stringify(only),
      WRONG: JSON.stringify({ ...only, fallback: { rep: 'zed' } }),
      BROKEN: '{',
      USERS: 'userId,name,active\n005000000000001AAA,Ann,yes\n005000000000002AAA,Bo,no\n',
      ACCOUNTS: 'accountId,ownerId,domains\n001000000000001AAA,005000000000001AAA,globex.com globex.de\n',
      OTHERS: 'accountId,owner\n',
    };
    for (const [name, text] of Object.entries(files)) await writeFile((names[name] = join(folder, name)), text);
  });

  it.each<[string, number, RegExp]>([
    ['routing', 0, /│ pool .*│ ann .*│ bo /s],
    ['routing --format csv', 0, /^pool,rep,.*\nall,ann,.*\nall,bo,/],
    ['routing nonsense', 2, /nonsense/],
    ['routing explain SYNCED', 0, /^Lead [\w-]{36}\n.*fallback.*pool all/s],
    ['routing explain DEAD', 0, /^Lead [\w-]{36}\n/],
    [`routing explain ${MISSING}`, 3, /^No lead has this id/],
    [`routing simulate ${jo}`, 0, /^Owner: ann \(005000000000001AAA\), by Germany\n/],
    [`routing simulate ${jo} --at yesterday`, 2, /must be a time such as/],
    [`routing simulate ${jo} --rules 99`, 3, /version/],
    ['routing simulate {', 2, /^The lead is not JSON/],
    ['routing simulate nofile.json', 2, /^nofile\.json cannot be read \(ENOENT\)/],
    ['routing check CY', 0, /^The rules are in order\.\n$/],
    ['routing check WRONG', 1, /problem.*fallback.*zed/],
    ['routing check CY --url http://127.0.0.1:1', 0, /The service did not answer, so the reps were not compared/],
    ['routing check BROKEN', 2, /BROKEN is not JSON: line 1, column \d+: /],
    ['routing dry-run CY', 0, /cy/],
    ['routing dry-run 99', 3, /version/],
    ['routing rules list', 0, /│ version .*│ file /s],
    ['routing rules store WRONG', 2, /fallback.*zed/],
    ['routing rules activate x', 2, /whole number/],
    ['routing rules rollback', 2, /nothing was changed\. Add --yes/],
    ['routing absences zed 2026-12-24', 3, /no such rep/],
    ['routing absences ann yesterday', 2, /yesterday/],
    ['routing absences ann 1..2..3', 2, /must be 2026-12-24\.\.2026-12-31/],
    ['routing reassign SYNCED', 2, /required option '--reason/],
    ['routing reassign SYNCED --reason x', 2, /^Reassign lead [\w-]{36}\?.* nothing was changed\. Add --yes/],
    ['routing reassign SYNCED --reason x --to annn --yes', 2, /no rep of the active rules.* Did you mean ann\?/],
    [`routing reassign ${MISSING} --reason x --yes`, 3, /^The routing rules have given this lead no owner/],
    ['routing import OTHERS', 2, /OTHERS must have the columns userId/],
    ['leads list --owner zed', 0, /^There are no such leads\.\n$/],
    ['routing first-touch', 0, /^0 clocks started/],
  ])('%s: %i', async (words, code, message) => {
    const ended = await run(words);
    expect([ended.code, `${ended.stdout}${ended.stderr}`]).toEqual([code, expect.stringMatching(message)]);
  });

  it('is changed by versions, absences, a directory and a reassignment', async () => {
    expect((await run('routing import USERS')).stdout).toBe('2 users and 0 accounts stored.\n');
    expect((await run('routing import ACCOUNTS')).stdout).toBe('0 users and 1 accounts stored.\n');
    expect(
      (await run('leads list -q --owner ann -n 50')).stdout + (await run('leads list -q --owner 005000000000002')).stdout,
    ).toContain(names['SYNCED']);
    const globex = '{"email":"jo@globex.de","campaign_id":"x"}';
    expect((await run(`routing simulate ${globex}`)).stdout).toMatch(/^Owner: ann .*, by matched account\n/);
    expect((await run('routing')).stdout).toMatch(/bo .*inactive/);
    expect((await run('routing absences ann 2020-01-01..2099-12-31')).stdout).toMatch(/ann .*absent/);
    expect((await run('routing absences ann')).stdout).not.toMatch(/absent/);
    expect((await run('routing rules store CY --note only')).stdout).toBe('Version 2.\n');
    expect((await run('routing rules store CY')).stdout).toBe('Version 2, which was stored before.\n');
    expect((await run('routing rules activate 2 --yes')).code).toBe(0);
    expect((await run(`routing simulate ${jo}`)).stdout).toMatch(/^Owner: cy \(cy\), by fallback\n/);
    expect((await run(`routing simulate ${jo} --rules 1`)).stdout).toMatch(/^Owner: ann .*, by Germany\n/);
    expect((await run('routing reassign SYNCED --reason test --yes')).stdout).toMatch(/^A worker changes the owner/);
    const owner = async () => (await run('routing explain SYNCED')).stdout;
    await eventually(async () => expect(await owner()).toMatch(/Owner: cy/));
    expect((await run('routing rules rollback --yes')).code).toBe(0);
    expect((await run(`routing simulate ${jo}`)).stdout).toMatch(/^Owner: ann .*, by Germany\n/);
  });
});

describe('older names', () => {
  it.each<[string, string]>([
    ['leads --json', 'leads list --json'],
    ['leads --state dead --json', 'leads list --state dead --json'],
    ['lead DEAD --json', 'leads get DEAD --json'],
    ['dlq list --json', 'dead-letters summary --json'],
    ['dlq list --each --json', 'dead-letters list --json'],
    ['dlq list --code CRM_RECORD_REJECTED --json', 'dead-letters list --code CRM_RECORD_REJECTED --json'],
    ['dlq show DEAD --json', 'dead-letters get DEAD --json'],
    ['rejections --json', 'rejections list --json'],
    ['queues --json', 'queues list --json'],
    ['costs --json', 'costs --days 7 --json'],
  ])('%s is %s', async (old, now) => {
    const [before, after] = [await run(old), await run(now)];
    expect([before.code, after.code]).toEqual([0, 0]);
    expect(JSON.parse(before.stdout)).toEqual(JSON.parse(after.stdout));
  });
});

describe('an act on many, or for good', () => {
  it.each([
    'dead-letters replay --all',
    'dead-letters replay --code CRM_RECORD_REJECTED',
    'dead-letters discard DEAD --reason x',
    'people erase dead1@acme.com',
  ])('%s changes nothing without a terminal and --yes', async (words) => {
    const { code, stderr } = await run(words);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/\?.* nothing was changed\. Add --yes\.\n$/)]);
    expect(await states()).toBe(5);
  });

  it('asks on a terminal, and no is the default', async () => {
    const no = await onTerminal('dead-letters replay --all', '\r');
    expect(no).toMatchObject({
      code: 1,
      text: expect.stringMatching(/Replay 5 dead letters\? \[y\/N\].*Cancelled\. Nothing was changed\./s),
    });
    const closed = await onTerminal('people erase dead5@acme.com', '\u0004');
    expect(closed).toMatchObject({ code: 1, text: expect.stringContaining('Cancelled') });
    expect(await states()).toBe(5);
    const yes = await onTerminal('dead-letters discard dead5@acme.com --reason test', 'y\r');
    expect(yes).toMatchObject({ code: 0, text: expect.stringMatching(/Bob Refused5 <dead5@acme\.com>.*Discarded\./s) });
    expect(await states()).toBe(4);
  });

  it('can be tried first', async () => {
    const erasure = await run('people erase dead5@acme.com --dry-run --json');
    expect(JSON.parse(erasure.stdout)).toMatchObject({ dryRun: true, wouldErase: { leads: 1 } });
    expect((await run('dead-letters replay --all --limit 3 --dry-run')).stdout).toMatch(/^Would replay 3 dead letters of 4\.\n/);
    expect((await run('rejections replay --dry-run')).stdout).toMatch(/^Would replay 2 rejections\.\n/);
    expect(await states()).toBe(4);
  });

  it('is done with --yes, and by the older names of scripts', async () => {
    expect((await run('dead-letters replay PREFIX')).stdout).toMatch(/^Replay queued\. Follow it with: revenueflow leads get /);
    await eventually(async () => expect(await states()).toBe(4));
    expect((await run('dlq discard DEAD --reason x')).stdout).toBe('Discarded.\n');
    expect((await run('dead-letters replay --all --yes')).stdout).toBe('Replay queued for 3 leads.\n');
    await eventually(async () => expect(await states()).toBe(3));
    expect((await run('rejections replay --yes --json')).code).toBe(0);
    expect((await run('people erase dead2@acme.com -y --json')).code).toBe(0);
    expect((await run('person erase dead3@acme.com --json')).code).toBe(0);
    expect(await states()).toBe(1);
    expect((await run('dead-letters replay --code NONE --yes')).stdout).toBe('There are no dead letters with the code NONE.\n');
  });
});

it('leads watch follows new leads and their states until it is interrupted', async () => {
  const child = spawn(process.execPath, [CLI, 'leads', 'watch', '--interval', '1', '--json'], {
    env: { PATH: process.env['PATH'], ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await eventually(() => expect(stderr).toMatch(/Following leads\./));
  await service.post({ email: 'watched@acme.com', campaign_id: 'w' }, { headers: { 'x-webhook-secret': SECRET } });
  await eventually(() => {
    const changes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { from: string | null; email: string; state: string });
    expect(changes.at(-1)).toMatchObject({ email: 'watched@acme.com', state: 'synced' });
  });
  child.kill('SIGINT');
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
});

it('the completion of bash knows the commands, options and values', async () => {
  const file = join(folder, 'completion.bash');
  await writeFile(file, (await run('completion bash')).stdout);
  const complete = (line: string) =>
    new Promise<string[]>((resolve) => {
      const words = line.split(' ');
      const script = `source ${file}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _revenueflow; echo "\${COMPREPLY[@]}"`;
      execFile('bash', ['--norc', '-c', script], (_, stdout) => resolve(stdout.trim().split(' ')));
    });
  expect(await complete('revenueflow dead')).toEqual(['dead-letters']);
  expect(await complete('revenueflow leads ')).toEqual(['list', 'get', 'rescore', 'search', 'import', 'watch']);
  expect(await complete('revenueflow --url http://x leads list --st')).toEqual(['--state']);
  expect(await complete('revenueflow leads list --state e')).toEqual(['enriched']);
  expect(await complete('revenueflow queues pause c')).toEqual(['crm-sync']);
  for (const shell of ['zsh', 'fish']) expect((await run(`completion ${shell}`)).stdout).toContain('dead-letters');
});
