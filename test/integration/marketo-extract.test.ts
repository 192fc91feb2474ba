import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { leadIdOf } from '../../src/domain/lead-keys.js';
import { DEFAULT_FIELD_MAP } from '../../src/marketo/field-map.js';
import { marketoWorld, type MarketoWorld } from '../support/marketo-world.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const CAMPAIGN = 987;
const midnight = Math.floor(Date.now() / DAY) * DAY;
const noon = midnight - DAY / 2;
/** What the template sends for the campaign is known. */
const fieldMap = { ...DEFAULT_FIELD_MAP, webhook: { ...DEFAULT_FIELD_MAP.webhook, campaigns: { [CAMPAIGN]: String(CAMPAIGN) } } };
let world: MarketoWorld;
let count = 0;

beforeAll(async () => {
  world = await marketoWorld({ limits: { calls: 100_000 } });
});
afterAll(() => world.close());
beforeEach(async () => {
  world.fake.calls.length = 0;
  world.fake.exports.jobs.clear();
  // The windows of the log are of no interest here; the day before is to be read.
  await world.pool.query(
    `UPDATE ledger.marketo_stages SET leased_until = NULL, open_until = NULL, failures = 0, position = now(),
       extracted_until = $1 WHERE stage = 'marketo-reconciliation'`,
    [new Date(midnight - DAY)],
  );
});

/** Marketo called our webhook yesterday. Where the call arrived, the lead and its event are of then. */
async function called(arrives: boolean, at = noon + count * 1000) {
  const email = `person${++count}@acme.com`;
  const id = world.fake.people.add({ email, firstName: 'Ann', lastName: `No ${count}`, company: 'Acme' });
  world.fake.activities.webhookCalled({
    personId: id,
    campaignId: CAMPAIGN,
    at,
    ...(arrives ? {} : { error: 'Read timed out' }),
  });
  const leadId = leadIdOf(email, String(CAMPAIGN));
  if (arrives) {
    await world.webhook({ id, email, name: `Ann No ${count}`, company: 'Acme' } as never, CAMPAIGN);
    await world.pool.query('UPDATE ledger.leads SET received_at = $2 WHERE id = $1', [leadId, new Date(at)]);
    await world.pool.query('UPDATE ledger.events SET at = $2 WHERE lead_id = $1', [leadId, new Date(at)]);
  }
  return { id, email, leadId };
}

/** Each poll is another process, as if the one before was killed when its call had ended. */
async function pollUntil(done: () => Promise<boolean>, polls = 30): Promise<number> {
  for (let poll = 1; poll <= polls; poll++) {
    await world.pool.query('UPDATE ledger.marketo_stages SET leased_until = NULL');
    await world.reconciliation(`process ${poll}`, { extract: true, windowMs: HOUR, fieldMap }).poll();
    if (await done()) return poll;
  }
  throw new Error(`Not done after ${polls} polls: ${JSON.stringify([await extractedUntil(), midnight, await newest()])}`);
}
const newest = async () => (await world.runs.newest(1))[0]!;
const extractedUntil = async () =>
  (await world.stages.stages()).find(({ stage }) => stage === 'marketo-reconciliation')!.extractedUntil!.getTime();
const isExtracted = async () => (await extractedUntil()) === midnight;
const receipts = async (leadId: string) =>
  (await world.pool.query("SELECT 1 FROM ledger.events WHERE lead_id = $1 AND kind = 'received'", [leadId])).rowCount;
const waitOver = () => world.pool.query('UPDATE ledger.marketo_runs SET next_at = NULL');

describe('a day of the log', () => {
  it('is read by one job, whichever processes continue it, and its calls get the classes of the windows', async () => {
    const there = await called(true);
    const lost = await called(false);
    const late = await called(false, midnight - 26 * HOUR);
    const next = await called(false, midnight + 1000);
    await pollUntil(isExtracted);
    expect(await newest()).toMatchObject({
      source: 'extract',
      fromAt: new Date(midnight - DAY),
      toAt: new Date(midnight),
      counts: { matched: 1, repaired: 1 },
      code: null,
    });
    expect(world.fake.exports.jobs.size).toBe(1);
    expect(await Promise.all([there, lost, late, next].map(({ leadId }) => receipts(leadId)))).toEqual([1, 1, 0, 0]);
    expect(world.fake.calls.length).toBe((await newest()).calls);
    // The next day is not over.
    world.fake.calls.length = 0;
    await pollUntil(async () => true);
    expect(world.fake.calls).toEqual([]);
  });

  it('is not read where the extract is off', async () => {
    await world.reconciliation('one', { extract: false, windowMs: HOUR }).poll();
    expect(world.fake.calls).toEqual([]);
  });

  it('is read in parts, and other webhooks of the file are left out', async () => {
    const { leadId } = await called(false);
    const webhook = { id: 9, name: 'Other' };
    const log = (n: number) =>
      world.fake.activities.webhookCalled({ personId: n, campaignId: 1, at: noon, webhook, response: 'x'.repeat(70_000) });
    for (let n = 0; n < 130; n++) log(n);
    await pollUntil(isExtracted);
    expect([...new Set(world.fake.callsOf(/file\.json$/).map(({ range }) => range))]).toEqual([
      'bytes=0-8388607',
      'bytes=8388608-16777215',
    ]);
    expect(await receipts(leadId)).toBe(1);
    expect((await newest()).activities).toBeLessThan(20);
    world.fake.activities.all.splice(-130);
  });
});

describe('an extract that fails', () => {
  const { exports, failNext } = {
    exports: () => world.fake.exports,
    failNext: (fault: Parameters<MarketoWorld['fake']['failNext']>[0], path: RegExp) => world.fake.failNext(fault, 1, path),
  };

  it.each<[string, () => void, string, () => void]>([
    ['the job fails', () => void (exports().failNext = 1), 'MARKETO_UNAVAILABLE', () => {}],
    ['the file has another checksum', () => void (exports().corruptNext = 1), 'MARKETO_UNAVAILABLE', () => {}],
    ['the file ends in the middle', () => void (exports().cutNext = 1), 'MARKETO_UNAVAILABLE', () => {}],
    [
      'the file is gone',
      () => void (exports().forgetFiles = true),
      'MARKETO_UNAVAILABLE',
      () => void (exports().forgetFiles = false),
    ],
    [
      'the queue is full',
      () => void (exports().othersQueued = 10),
      'MARKETO_RATE_LIMITED',
      () => void (exports().othersQueued = 0),
    ],
    [
      'the exports of the day are used up',
      () => void (exports().usedBytes = exports().dailyBytes),
      'MARKETO_DAILY_LIMIT_REACHED',
      () => void (exports().usedBytes = 0),
    ],
    [
      'the answer to create is lost',
      () => failNext({ kind: 'drop', after: true }, /create/),
      'MARKETO_OUTCOME_UNKNOWN',
      () => {},
    ],
    [
      'the answer to enqueue is lost',
      () => failNext({ kind: 'drop', after: true }, /enqueue/),
      'MARKETO_OUTCOME_UNKNOWN',
      () => {},
    ],
    [
      'the API user may not',
      () => void (world.fake.denied = /^\/bulk/),
      'MARKETO_MISCONFIGURED',
      () => void (world.fake.denied = null),
    ],
    ['a page of HTML comes', () => failNext({ kind: 'html' }, /status/), 'MARKETO_UNAVAILABLE', () => {}],
  ])('because %s is not passed over, and each lost lead is taken in once', async (_, breaks, code, repair) => {
    const { leadId } = await called(false);
    breaks();
    await pollUntil(async () => (await newest()).code !== null);
    expect(await newest()).toMatchObject({ source: 'extract', endedAt: null, code });
    expect(await extractedUntil()).toBe(midnight - DAY);
    expect(await receipts(leadId)).toBe(0);
    // The windows of the log do not wait for it.
    expect((await world.stages.stages()).every(({ failures }) => failures === 0)).toBe(true);
    repair();
    await pollUntil(async () => (await waitOver()) && isExtracted());
    expect(await receipts(leadId)).toBe(1);
    const { rows } = await world.pool.query('SELECT count(*)::int AS staged FROM ledger.marketo_extracted');
    expect(rows).toEqual([{ staged: 0 }]);
  });

  it('because each job fails waits longer and longer before the next job', async () => {
    exports().failNext = 3;
    const { leadId } = await called(false);
    const failures = new Set<number>();
    await pollUntil(async () => {
      failures.add((await newest()).failures);
      return (await waitOver()) && isExtracted();
    }, 60);
    expect([...failures]).toEqual([0, 1, 2, 3]);
    expect(await receipts(leadId)).toBe(1);
  });

  it('because its file is damaged however often it is read makes another job', async () => {
    exports().corruptNext = 5;
    const { leadId } = await called(false);
    await pollUntil(async () => (await waitOver()) && isExtracted(), 60);
    expect(exports().jobs.size).toBeGreaterThan(1);
    expect(await receipts(leadId)).toBe(1);
  });

  it('because the token is revoked in the middle reads a new one, and goes on', async () => {
    const { leadId } = await called(false);
    await pollUntil(async () => [...exports().jobs.values()].some(({ status }) => status === 'Completed'));
    world.fake.revokeToken();
    await pollUntil(isExtracted);
    expect(await receipts(leadId)).toBe(1);
  });
});
