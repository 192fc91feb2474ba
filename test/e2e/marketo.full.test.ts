import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleVisit, formsOf } from '../support/console-visit.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { FAKE_MARKETO_ID, FAKE_MARKETO_SECRET, FakeMarketo } from '../support/fakes/marketo/index.js';
import type { CallFate, TriggerCampaigns } from '../support/fakes/marketo/trigger-campaigns.js';
import { askOps, cli, OPERATORS, ops, SECRET, TOKEN } from '../support/operator.js';
import { startProcess, type RunningProcess } from '../support/service.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let fake: FakeMarketo;
let service: RunningProcess;
let env: Record<string, string>;
let campaigns: TriggerCampaigns;
/** Calls of the last two minutes may be under way, so they are not compared yet: Marketo's clock is behind. */
const now = () => Date.now() - 150_000;

beforeAll(async () => {
  [database, fake] = await Promise.all([freshDatabase(), FakeMarketo.start({ now })]);
  env = {
    MARKETO_BASE_URL: `${fake.url}/rest`,
    MARKETO_CLIENT_ID: FAKE_MARKETO_ID,
    MARKETO_CLIENT_SECRET: FAKE_MARKETO_SECRET,
    MARKETO_WEBHOOK: '71',
    MARKETO_CALLS_PER_20_SECONDS: '100',
  };
  service = await startProcess({
    DATABASE_URL: database.url,
    QUEUE_BACKEND: 'postgres',
    RETRY_BASE_MS: '50',
    ...env,
    ...OPERATORS,
  });
  campaigns = fake.campaigns({
    url: `${service.url}/leads`,
    headers: { 'X-Webhook-Secret': SECRET },
    mappings: [{ attribute: 'status', field: 'rfStatus' }],
  });
});
afterAll(async () => {
  await service.stop();
  await fake.stop();
  await database.drop();
});

/** A person fills out a form; Marketo's trigger campaign calls the webhook, or the call is lost on its way. */
async function formFilled(email: string, fate: CallFate = 'arrives') {
  const id = fake.people.add({ email, firstName: 'Ann', lastName: 'Lee', company: 'Acme' });
  await campaigns.run({ personId: id, campaignId: 987, fate });
  return id;
}

/** With the settings of the service, and its address for what arrived. */
const check = (...args: string[]) =>
  cli({ ...env, REVENUEFLOW_URL: service.url, REVENUEFLOW_TOKEN: TOKEN }, 'marketo', 'check', ...args);

describe('the circle of Marketo, the service and back', () => {
  it('checks Marketo and names what an admin must create', async () => {
    const good = await check('--json');
    expect(good.code, good.stdout + good.stderr).toBe(0);
    const { fields } = fake.people;
    fake.people.fields = fields.filter(({ name }) => name !== 'rfReason');
    const bad = await cli({ ...env, MARKETO_WEBHOOK: 'Nothing' }, 'marketo', 'check');
    fake.people.fields = fields;
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/rfReason: create this field/);
    const refused = await cli({ ...env, MARKETO_CLIENT_SECRET: 'wrong' }, 'marketo', 'check');
    expect(refused.stdout).toMatch(/refused the credentials/);
  });

  it('writes the score of a webhook to the person in Marketo', async () => {
    const id = await formFilled('ann@acme.com');
    // The answer of the webhook is mapped into a field.
    expect(fake.people.get(id)).toMatchObject({ rfStatus: 'accepted' });
    await eventually(() =>
      expect(fake.people.get(id)).toMatchObject({ rfFitScore: expect.any(Number), rfScoreSource: 'heuristic' }),
    );
    await eventually(async () =>
      expect((await askOps(service, 'GET', '/ops/marketo')).body).toMatchObject({
        configured: true,
        writeBack: { owed: 0, sent: 1, dead: 0, stage: { paused: false, breaker: { open: false } } },
      }),
    );
  });

  it('finds calls that never arrived, takes them in by one command, and is clean then', async () => {
    const fates = Array.from({ length: 40 }, (_, n): CallFate =>
      n % 20 === 7 ? 'lost' : n % 20 === 8 ? 'answer-lost' : 'arrives',
    );
    const ids = await Promise.all(fates.map((fate, n) => formFilled(`many${n}@acme.com`, fate)));
    expect(campaigns.highest).toBe(20);
    const since = new Date(Date.now() - 10 * 60_000).toISOString();
    const report = await ops(service, 'marketo', 'reconcile', '--since', since, '--json');
    expect(report.code, report.stdout + report.stderr).toBe(1);
    expect(JSON.parse(report.stdout)).toMatchObject({ classes: { missing: 2, 'answer-lost': 2 } });
    expect((await service.get('/metrics', { authorization: `Bearer ${'v'.repeat(40)}` })).text).toContain(
      'revenueflow_marketo_missing 2',
    );
    const status = await ops(service, 'marketo', 'status');
    expect(status.stdout).toContain(String(ids[7]));
    const repair = await ops(service, 'marketo', 'reconcile', '--since', since, '--repair', '--yes');
    expect(repair.code, repair.stdout + repair.stderr).toBe(0);
    await eventually(() => {
      for (const id of ids) expect(fake.people.get(id)).toMatchObject({ rfFitScore: expect.any(Number) });
    });
    const found = (await askOps(service, 'POST', '/ops/leads/search', { email: 'many7@acme.com' })).body.items;
    expect(found).toMatchObject([{ campaignId: '987' }]);
    expect((await ops(service, 'marketo', 'reconcile', '--since', since)).code).toBe(0);
  });

  it('refuses a repair of a time of which it no longer knows who was erased, and compares it', async () => {
    const since = new Date(Date.now() - 8 * 86_400_000 - 60_000).toISOString();
    const refused = await askOps(service, 'POST', '/ops/marketo/reconcile', { since, repair: true });
    expect(refused).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST', detail: expect.stringMatching(/8 days ago/) } });
    const command = await ops(service, 'marketo', 'reconcile', '--since', '9d', '--repair', '--yes');
    expect(command.code).not.toBe(0);
    expect(command.stderr).toMatch(/8 days ago at most: people who were erased/);
    expect((await ops(service, 'marketo', 'reconcile', '--since', since)).code).toBe(0);
  });

  it('backfills page by page, pauses, and refuses a task that it does not have', async () => {
    expect((await ops(service, 'marketo', 'backfill', '--dry-run')).stdout).toMatch(
      /41 people in the ledger: 0 would be written/,
    );
    expect((await ops(service, 'marketo', 'pause', 'marketo-sync')).stdout).toMatch(/is paused/);
    expect((await askOps(service, 'GET', '/ops/marketo')).body).toMatchObject({
      writeBack: { stage: { paused: true, pausedBy: 'ann' } },
    });
    expect((await ops(service, 'marketo', 'resume', 'marketo-sync')).code).toBe(0);
    await ops(service, 'marketo', 'pause', 'marketo-reconciliation');
    const queued = await ops(service, 'marketo', 'reconcile', '--since', '1h');
    expect([queued.code, queued.stderr]).toEqual([
      1,
      expect.stringMatching(/is paused by ann: .*marketo resume marketo-reconciliation/),
    ]);
    await ops(service, 'marketo', 'resume', 'marketo-reconciliation');
    const since = new Date(Date.now() + 60_000).toISOString();
    expect((await askOps(service, 'POST', '/ops/marketo/reconcile', { since })).status).toBe(400);
    expect((await askOps(service, 'POST', '/ops/marketo/nothing/pause', {})).status).toBe(404);
  });

  it('shows windows and tasks on its page, where an operator repairs after a confirmation', async () => {
    const lost = await formFilled('page@acme.com', 'lost');
    const since = new Date(Date.now() - 10 * 60_000).toISOString();
    await ops(service, 'marketo', 'reconcile', '--since', since);
    const operator = new ConsoleVisit(service.url);
    await operator.signIn(TOKEN);
    const page = await operator.html('/console/marketo');
    expect(page).toContain(String(lost));
    expect(page).toContain('Repair 1');
    const { formToken } = formsOf(page)[0]!.fields as { formToken: string };
    const preview = await operator.post('/console/marketo/repair', { formToken });
    expect(await preview.text()).toContain('Take in 1');
    expect((await operator.post('/console/marketo/repair/start', { formToken, count: '2' })).status).toBe(400);
    expect((await operator.post('/console/marketo/repair/start', { formToken, count: '1' })).status).toBe(303);
    await eventually(() => expect(fake.people.get(lost)).toMatchObject({ rfFitScore: expect.any(Number) }));
    await eventually(async () => expect(await operator.html('/console/marketo')).not.toContain('Repair 1'));
  });

  it('finds mistakes in the set-up of the webhook from the log and from what arrived, and says what to change', async () => {
    const url = `${service.url}/leads`;
    const headers = { 'X-Webhook-Secret': SECRET };
    const template = '{"email": {{lead.Email Address}}, "campaign_id": {{campaign.id}}, "title": "{{lead.Jobtitle}}"}';
    const mistakes = [
      { url },
      { url: `${service.url}/lead`, headers },
      { url, headers, encoding: 'none' as const },
      { url, headers, template },
    ];
    const personId = fake.people.add({ email: 'mistake@acme.com', firstName: 'Ann', company: 'Acme' });
    for (const mistake of mistakes) await fake.campaigns(mistake).run({ personId, campaignId: 987 });
    await campaigns.run({ personId, campaignId: 988, kind: 'batch' });
    fake.othersUsed = 49_000;
    const { code, stdout } = await check();
    fake.othersUsed = 0;
    expect(code).toBe(1);
    for (const advice of [
      /X-Webhook-Secret with one of WEBHOOK_SECRETS/,
      /set the URL to https/,
      /set Request Token Encoding to JSON \(it is None\)/,
      /tokens that Marketo did not replace, in title \(1 leads\)/,
      /\(campaign 988\).*trigger campaigns/,
      /sync@example\.com 49000.*other integrations have used most/,
    ])
      expect(stdout).toMatch(advice);
  });
});
