import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AlertStore } from '../../src/alerts/alert-store.js';
import { Alerts } from '../../src/alerts/alerts.js';
import { FlowControlRepository } from '../../src/flow-control/flow-control.repository.js';
import { NoticesRepository } from '../../src/flow-control/notices.repository.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { startAlertSink, type AlertSink } from '../support/alert-sink.js';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ledgerOn, type LedgerRepositories } from '../support/ledger.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;
let ledger: LedgerRepositories;
let flow: FlowControlRepository;
let sink: AlertSink;
let logged: string[];

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 10, timeoutMs: 5000, name: 'test' });
  ledger = ledgerOn(pool);
  flow = new FlowControlRepository(ledger.database, 'test');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  logged = [];
  sink = await startAlertSink();
  await pool.query(
    'TRUNCATE ledger.leads, ledger.events, flow.alerts, flow.alert_looks, flow.alerted_leads, flow.alert_messages, flow.alert_delivery, flow.notices CASCADE',
  );
  await pool.query("UPDATE flow.stages SET breaker = 'closed', reason = NULL, code = NULL");
});
afterEach(() => sink.stop());

const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg) });
const EAGER = { conditionSeconds: 0, hotLeadSeconds: 0, deadLetterSeconds: 0 };

function alerts(pace = EAGER) {
  const store = new AlertStore(ledger.database, pace);
  const tools = {
    url: sink.url,
    store,
    ...ledger,
    flow,
    logger,
    slaSeconds: 300,
    hotLeadScore: 80,
    intervalMs: 20,
    retryBaseMs: 10,
  };
  return new Alerts(tools);
}

const deliveryProblem = () => new AlertStore(ledger.database, EAGER).deliveryProblem();

async function scored(email: string, fitScore: number, campaignId = 'c') {
  const key = { id: leadIdOf(email, campaignId), personKey: personKeyOf(email), email, emailRaw: email, campaignId };
  const { leadId, epoch } = await ledger.intake.accept({
    ...key,
    name: 'Ann Lee',
    attributes: { phone: '555', message: 'call me' },
  });
  const claim = (await ledger.claims.claimForEnrichment({ leadId, epoch }))!;
  const enrichment = { fitScore, intent: 'high', reasoning: 'Ann wants it', scoreSource: 'ai' } as Enrichment;
  return ledger.results.checkpoint(claim, enrichment);
}

async function deadLetter(lead: { leadId: string; epoch: number }) {
  const claim = (await ledger.claims.claimForSync(lead))!;
  const error = {
    stage: 'crm-sync',
    code: 'CRM_RECORD_REJECTED',
    class: 'permanent',
    message: 'no',
    at: new Date().toISOString(),
  };
  await ledger.results.recordFailure(claim, { ...error, stage: 'crm-sync' }, null);
}

describe('a hot lead', () => {
  it('is alerted once, with its id, score, intent, campaign and path, and without personal data', async () => {
    const watch = alerts();
    await watch.check(); // alerts begin here
    const { leadId } = await scored('ann@acme.com', 92, '<!channel> & co');
    await scored('bob@acme.com', 79);
    for (let round = 0; round < 3; round++) await watch.check();
    expect(sink.texts).toEqual([`Hot lead: fit 92, intent high, campaign &lt;!channel&gt; &amp; co: /ops/leads/${leadId}`]);
    expect(Object.keys(JSON.parse(sink.bodies[0]!) as object)).toEqual(['text']);
  });

  it('of many is one message, and a score from before the first check is not alerted', async () => {
    await scored('old@acme.com', 99);
    await pool.query("UPDATE ledger.events SET at = now() - interval '2 seconds'");
    const watch = alerts({ ...EAGER, hotLeadSeconds: 3600 });
    await watch.check();
    for (let n = 0; n < 14; n++) await scored(`p${n}@acme.com`, 81 + n);
    await watch.check();
    await scored('later@acme.com', 90);
    await watch.check(); // too soon after the last
    expect(sink.texts).toHaveLength(1);
    expect(sink.texts[0]!.split('\n')).toHaveLength(11);
    expect(sink.texts[0]).toMatch(/^Hot lead: fit 94[^]*And 4 more hot leads/);
    await pool.query("UPDATE flow.alert_looks SET told_at = now() - interval '2 hours'");
    await watch.check();
    expect(sink.texts[1]).toMatch(/^Hot lead: fit 90/);
  });
});

describe('a condition', () => {
  it('is alerted when it begins, when its reason changes and when it has ended, each once', async () => {
    const watch = alerts();
    const looks = async () => {
      for (let round = 0; round < 3; round++) await watch.check();
    };
    await looks();
    await pool.query(
      "UPDATE flow.stages SET breaker = 'open', reason = 'dependency-down', code = 'CRM_UNAVAILABLE' WHERE stage = 'crm-sync'",
    );
    await looks();
    await pool.query("UPDATE flow.stages SET breaker = 'half-open' WHERE stage = 'crm-sync'");
    await looks();
    await pool.query(
      "UPDATE flow.stages SET breaker = 'open', reason = 'configuration', code = 'CRM_MISCONFIGURED' WHERE stage = 'crm-sync'",
    );
    await looks();
    await pool.query("UPDATE flow.stages SET breaker = 'recovering' WHERE stage = 'crm-sync'");
    await looks();
    await pool.query("UPDATE flow.stages SET breaker = 'closed', reason = NULL WHERE stage = 'crm-sync'");
    await looks();
    expect(sink.texts.map((text) => text.slice(0, 60))).toEqual([
      expect.stringMatching(/^The breaker of crm-sync is open \(dependency-down, CRM_UNAV/),
      expect.stringMatching(/^The breaker of crm-sync is open \(configuration, CRM_MISCON/),
      'Resolved: the breaker of crm-sync is closed.',
    ]);
  });

  it('that flaps is alerted at its pace, with its current state', async () => {
    const watch = alerts({ ...EAGER, conditionSeconds: 3600 });
    const breaker = (state: string) =>
      pool.query("UPDATE flow.stages SET breaker = $1, reason = 'rate-limited' WHERE stage = 'enrichment'", [state]);
    for (const state of ['open', 'closed', 'open', 'closed', 'open']) {
      await breaker(state);
      await watch.check();
    }
    expect(sink.texts).toHaveLength(1);
    await breaker('closed');
    await pool.query("UPDATE flow.alerts SET told_at = now() - interval '2 hours'");
    await watch.check();
    expect(sink.texts[1]).toBe('Resolved: the breaker of enrichment is closed.');
  });

  it('of the SLA: the oldest lead that sales has not got, or a forecast that stays beyond it', async () => {
    const watch = alerts();
    const { leadId } = await scored('late@acme.com', 10);
    await watch.check();
    await pool.query("UPDATE ledger.leads SET received_at = now() - interval '301 seconds' WHERE id = $1", [leadId]);
    await watch.check();
    expect(sink.texts).toEqual([
      expect.stringMatching(
        /^Speed to lead at risk: the SLA is 300 s, .* has waited 30\d s\. Waiting: 0 for enrichment, 1 for crm-sync; no rate to predict/,
      ),
    ]);
    await pool.query('UPDATE ledger.leads SET low_priority = true'); // an operator's replay of it
    await watch.check();
    expect(sink.texts[1]).toMatch(/^Resolved: no lead waits longer than the SLA/);
    // A pace of one per sixty seconds, and six that wait: 360 seconds.
    for (let n = 0; n < 6; n++) await scored(`many${n}@acme.com`, 10);
    await pool.query(
      "INSERT INTO ledger.events (lead_id, seq, at, kind) VALUES (gen_random_uuid(), 1, now() - interval '30 s', 'synced')",
    );
    await watch.check();
    expect(sink.texts).toHaveLength(2);
    await watch.check();
    expect(sink.texts[2]).toMatch(/processed in about 4\d\d s/);
  });
});

describe('dead letters', () => {
  it('are counted as they come, by stage and code, and are over when none waits', async () => {
    const watch = alerts();
    await watch.check();
    for (const name of ['a', 'b', 'c']) await deadLetter(await scored(`${name}@acme.com`, 10));
    await watch.check();
    await watch.check();
    await deadLetter(await scored('d@acme.com', 10));
    await watch.check();
    await pool.query("UPDATE ledger.leads SET state = 'discarded'");
    await watch.check();
    await watch.check();
    expect(sink.texts).toEqual([
      '3 new dead letters: 3 × crm-sync CRM_RECORD_REJECTED. 3 wait for an operator. Run: npx revenueflow dead-letters list',
      '1 new dead letter: 1 × crm-sync CRM_RECORD_REJECTED. 4 wait for an operator. Run: npx revenueflow dead-letters list',
      'Resolved: no dead letter is left.',
    ]);
  });
});

describe('a notice of a worker', () => {
  it('names the user and the campaign, once per day, and is kept within bounds', async () => {
    const notices = new NoticesRepository(ledger.database);
    const watch = alerts();
    const user = { kind: 'assignment-skipped', subject: '0055e00000GoneUAAA', reason: 'assignment rule' };
    await notices.record(user);
    await notices.record({ kind: 'membership-missing', subject: '<!channel>', reason: 'ENTITY_IS_DELETED' });
    await notices.record({ kind: 'field-left-out', subject: 'State', reason: 'FIELD_INTEGRITY_EXCEPTION' });
    await watch.check();
    await notices.record(user);
    await watch.check();
    expect(sink.texts).toHaveLength(1);
    const [first, second] = sink.texts[0]!.split('\n');
    expect(first).toMatch(/user 0055e00000GoneUAAA, is inactive in Salesforce, or may not read Leads \(by the assignment rule\)/);
    expect(second).toMatch(/campaign &lt;!channel&gt; are written without a membership \(ENTITY_IS_DELETED\).*crm memberships/);
    await pool.query("UPDATE flow.notices SET alerted_at = now() - interval '25 hours'");
    await watch.check();
    expect(sink.texts).toHaveLength(2);
    await pool.query(
      "INSERT INTO flow.notices (kind, subject, reason) SELECT 'membership-missing', n::text, '' FROM generate_series(1, 1500) n",
    );
    await notices.record(user);
    const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM flow.notices');
    expect(rows[0]!.n).toBe(1000);
  });
});

describe('the delivery', () => {
  it('waits for a webhook that is down, logs it once, keeps the order, and drops the message after its time', async () => {
    const watch = alerts();
    await watch.check();
    sink.status = 500;
    await deadLetter(await scored('a@acme.com', 95));
    for (let round = 0; round < 3; round++) {
      await pool.query('UPDATE flow.alert_messages SET next_attempt_at = now()');
      await watch.check();
    }
    expect(sink.refused).toBe(3);
    expect(logged).toEqual(['An alert was not delivered: it answered 500. It is sent up to 8 times; check ALERT_WEBHOOK_URL']);
    sink.status = 200;
    await pool.query('UPDATE flow.alert_messages SET next_attempt_at = now()');
    await watch.check();
    expect(sink.texts.map((text) => text.slice(0, 8))).toEqual(['Hot lead', '1 new de']);
    expect(logged.at(-1)).toBe('Alerts are delivered again');
    // No log line contains the webhook's secret.
    expect(logged.join()).not.toMatch(/secret|services/);

    sink.status = 404;
    await deadLetter(await scored('b@acme.com', 10));
    for (let round = 0; round < 8; round++) {
      await watch.check();
      await pool.query('UPDATE flow.alert_messages SET next_attempt_at = now()');
    }
    expect((await pool.query('SELECT * FROM flow.alert_messages')).rows).toEqual([]);
    expect(await deliveryProblem()).toMatchObject({ problem: expect.stringMatching(/^it answered 404/), dropped: 1 });

    sink.status = 200;
    await deadLetter(await scored('c@acme.com', 10));
    await watch.check();
    expect(await deliveryProblem()).toBeNull();
  });

  it('is one process’s at a time, and another goes on where it ended', async () => {
    const [first, second, third] = [alerts(), alerts(), alerts()];
    first.start();
    second.start();
    await eventually(async () => expect((await pool.query('SELECT * FROM flow.alert_looks')).rows).toHaveLength(2));
    await scored('one@acme.com', 90);
    await eventually(() => expect(sink.texts).toHaveLength(1));
    // A process that stops before it has recorded the delivery leaves the message to be sent again.
    await eventually(async () => expect((await pool.query('SELECT * FROM flow.alert_messages')).rows).toHaveLength(0));
    await first.stop();
    await second.stop();
    await scored('two@acme.com', 91);
    third.start();
    await eventually(() => expect(sink.texts).toHaveLength(2));
    await third.stop();
    expect(sink.texts.map((text) => text.slice(0, 16))).toEqual(['Hot lead: fit 90', 'Hot lead: fit 91']);
  });
});
