import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { cli } from '../support/operator.js';
import { salesforceWorld } from '../support/salesforce-world.js';
import { startProcess, type RunningProcess } from '../support/service.js';

/** Every step of docs/migration.md. */
describe('from the mock CRM to Salesforce, and back', () => {
  let org: Awaited<ReturnType<typeof salesforceWorld>>;
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let sql: pg.Client;
  let service: RunningProcess | undefined;

  beforeEach(async () => {
    org = await salesforceWorld();
    org.fake.addCampaign({ Name: 'Launch', RF_Campaign_Key__c: 'launch' });
    database = await freshDatabase();
    sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
  });
  afterEach(async () => {
    await service?.stop();
    service = undefined;
    await sql.end();
    await database.drop();
    await org.close();
  });

  const settings = () => {
    const { CRM_PROVIDER: _, ...salesforce } = org.env;
    return { ...salesforce, DATABASE_URL: database.url, QUEUE_BACKEND: 'postgres', CRM_RATE_LIMIT_PER_SECOND: '100' };
  };
  async function restart(env: Record<string, string>): Promise<void> {
    await service?.stop();
    service = await startProcess({ ...settings(), ...env });
  }
  async function post(from: number, count: number): Promise<void> {
    const emails = Array.from({ length: count }, (_, index) => `p${from + index}@acme.com`);
    const answers = await Promise.all(emails.map((email) => service!.post({ email, campaign_id: 'launch', name: 'Ann Lee' })));
    expect(answers.map(({ status }) => status)).toEqual(emails.map(() => 202));
    await eventually(async () => {
      const { rows } = await sql.query(`SELECT count(*)::int AS open FROM ledger.leads WHERE state <> 'synced'`);
      expect(rows).toEqual([{ open: 0 }]);
    });
  }
  // No running service is needed.
  const crm = (...args: string[]) => cli({ ...settings(), PORT: '1' }, 'crm', ...args);
  const inMock = async () => {
    const { rows } = await sql.query<{ leads: number; members: number }>(
      'SELECT (SELECT count(*)::int FROM mock_crm.leads) AS leads, (SELECT count(*)::int FROM mock_crm.campaign_members) AS members',
    );
    return rows[0]!;
  };
  const inOrg = () => ({ leads: org.fake.leads().length, members: org.fake.members().length });

  /**
   * The number of leads whose journey shows what each CRM was sent and answered; the rows themselves contain none of
   * it.
   */
  const told = async (kind: string) => {
    const rows = await sql.query("SELECT 1 FROM ledger.leads WHERE crm::text LIKE '%exchanges%'");
    expect(rows.rowCount).toBe(0);
    const { rows: counts } = await sql.query<{ provider: string; n: number }>(
      `SELECT x->>'provider' AS provider, count(*)::int AS n FROM ledger.events, jsonb_array_elements(detail->'exchanges') x
       WHERE kind = $1 AND x->'lead'->>'answer' = 'created' AND x->'lead'->'fields' <> '{}' GROUP BY 1`,
      [kind],
    );
    return Object.fromEntries(counts.map(({ provider, n }) => [provider, n]));
  };

  it('every lead arrives once, whichever CRM counted when it came', async () => {
    // 1. The org is checked.
    const checked = await crm('check');
    expect(checked).toMatchObject({ code: 0 });
    expect(checked.stdout).toContain('The org takes what this service writes.');

    // 2. Validated beside the mock CRM: nothing is written to the org.
    await restart({ CRM_SHADOW: 'salesforce', CRM_SHADOW_MODE: 'validate' });
    await post(0, 10);
    await eventually(async () =>
      expect((await service!.get('/metrics')).text).toContain('revenueflow_crm_shadow_total{outcome="valid"} 10'),
    );
    expect(inOrg()).toEqual({ leads: 0, members: 0 });

    // 3. Written to both CRMs.
    await restart({ CRM_SHADOW: 'salesforce', CRM_SHADOW_MODE: 'write' });
    await post(10, 5);
    expect(inOrg()).toEqual({ leads: 5, members: 5 });
    const { rows } = await sql.query(
      `SELECT count(*)::int AS n FROM ledger.leads WHERE crm->'shadow'->>'provider' = 'salesforce'`,
    );
    expect(rows).toEqual([{ n: 5 }]);
    expect(await told('synced')).toEqual({ postgres: 15, salesforce: 5 });

    // 4. Backfilled: first a dry run, then the rest, then nothing is left.
    const look = JSON.parse((await crm('backfill', '--dry-run', '--json')).stdout || '{}') as object;
    expect(look).toMatchObject({ leads: 10, written: 10, acts: { create: 10 } });
    expect(inOrg()).toEqual({ leads: 5, members: 5 });
    expect((await crm('backfill')).stdout).toContain('10 leads were not in salesforce: 10 are now, 0 were refused.');
    expect(inOrg()).toEqual({ leads: 15, members: 15 });
    expect(await told('backfilled')).toEqual({ salesforce: 10 });
    expect((await crm('backfill')).stdout).toContain('0 leads were not in salesforce');

    // 5. Compared: both CRMs agree.
    const agreed = await crm('compare');
    expect(agreed).toMatchObject({ code: 0 });
    expect(agreed.stdout).toContain('15 persons compared: 15 agree, 0 differ, 0 have no record.');

    // 6. Switched over and back: each CRM gets the leads that only the other has.
    await restart({ CRM_PROVIDER: 'salesforce' });
    await post(15, 5);
    expect(inOrg()).toEqual({ leads: 20, members: 20 });
    expect(await inMock()).toEqual({ leads: 15, members: 15 });
    await restart({});
    await post(20, 5);
    expect((await crm('backfill', '--to', 'postgres')).stdout).toContain('5 are now');
    expect(await inMock()).toEqual({ leads: 25, members: 25 });
    expect((await crm('backfill')).stdout).toContain('5 are now');
    expect(inOrg()).toEqual({ leads: 25, members: 25 });
  });

  it('memberships are added once their campaign exists', async () => {
    await restart({ CRM_PROVIDER: 'salesforce' });
    org.fake.deleteRecord(String(org.fake.campaigns()[0]!['Id']));
    await post(0, 5);
    expect(inOrg()).toEqual({ leads: 5, members: 0 });
    const none = await crm('memberships');
    expect(none).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('5 leads had no membership: 0 have one now') as string,
    });
    expect(none.stdout).toContain('No membership in campaign launch: no Campaign has this key.');
    expect(await told('membership-added')).toEqual({});

    org.fake.addCampaign({ Name: 'Launch', RF_Campaign_Key__c: 'launch' });
    expect((await crm('memberships', '--dry-run')).stdout).toContain('5 would get one');
    expect((await crm('memberships')).stdout).toContain('5 leads had no membership: 5 have one now, 0 have none.');
    expect(inOrg()).toEqual({ leads: 5, members: 5 });
    const { rows } = await sql.query(
      `SELECT count(*)::int AS n FROM ledger.leads l JOIN ledger.events e ON e.lead_id = l.id AND e.kind = 'membership-added'
       WHERE l.crm->>'memberId' LIKE '00v%' AND l.event_seq = e.seq`,
    );
    expect(rows).toEqual([{ n: 5 }]);
    expect((await crm('memberships')).stdout).toContain('0 leads had no membership');
  });

  it('an outage of the shadow holds no lead up', async () => {
    org.fake.setFaults({ rate: 1, kinds: ['hang'] });
    await restart({ CRM_SHADOW: 'salesforce', CRM_SHADOW_MODE: 'write', SALESFORCE_TIMEOUT_MS: '500' });
    await post(0, 5);
    expect(await inMock()).toEqual({ leads: 5, members: 5 });
    expect(inOrg().leads).toBe(0);
  });

  it('a backfill that is interrupted continues where it stopped', async () => {
    await restart({});
    await post(0, 60);
    // The persons are written. Before their memberships are, an admin removes the app's permissions.
    org.fake.afterEachPost(() => {
      if (inOrg().leads > 0) org.fake.revokeTokens();
    });
    expect(await crm('backfill')).toMatchObject({ code: 1, stderr: expect.stringContaining('Salesforce refused') as string });
    expect(inOrg().leads).toBeGreaterThan(0);
    expect(inOrg().members).toBe(0);
    org.fake.afterEachPost(() => {});
    org.fake.revokeTokens(false);
    expect((await crm('backfill')).code).toBe(0);
    expect(inOrg()).toEqual({ leads: 60, members: 60 });
    expect((await crm('backfill')).stdout).toContain('0 leads were not in salesforce');
  });
});
