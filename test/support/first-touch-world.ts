import { pino } from 'pino';
import type { CrmProvider } from '../../src/crm/port.js';
import { ClocksRepository } from '../../src/first-touch/clocks.repository.js';
import { ClocksService } from '../../src/first-touch/clocks.service.js';
import { FirstTouchReportRepository } from '../../src/first-touch/first-touch-report.repository.js';
import { FirstTouchRules, type ActivePolicy } from '../../src/first-touch/first-touch-rules.js';
import { NoticeSender } from '../../src/first-touch/notices/notice-sender.js';
import { NoticesRepository } from '../../src/first-touch/notices/notices.repository.js';
import { OwnerActsService } from '../../src/first-touch/owner-acts.service.js';
import { StepsRepository } from '../../src/first-touch/steps.repository.js';
import { StepsService } from '../../src/first-touch/steps.service.js';
import { OutcomesRepository } from '../../src/outcomes/outcomes.repository.js';
import { systemClock } from '../../src/platform/clock.js';
import { openPool } from '../../src/platform/database/pool.js';
import { Reassigner } from '../../src/routing/reassigner.js';
import { startAlertSink } from './alert-sink.js';
import { freshDatabase } from './database.js';
import { ledgerOn } from './ledger.js';
import { acceptLead, routingOn, rulesFile } from './routing-world.js';
import { salesforceWorld } from './salesforce-world.js';

const SECRET = 'a-secret-of-thirty-two-characters!';

/** The parts of src/first-touch with those of src/routing, on a database, an org and a chat of their own. */
export async function firstTouchWorld(rules: object) {
  const fresh = await freshDatabase();
  const pool = openPool({ url: fresh.url, max: 10, timeoutMs: 20_000, name: 'test' });
  const path = await rulesFile(rules);
  const org = await salesforceWorld();
  const chat = await startAlertSink();
  const webhook = await startAlertSink();
  const crm = await org.open();
  const logger = pino({ level: 'silent' });
  const signal = new AbortController().signal;

  /** The parts of one process. */
  function process(asked: Pick<CrmProvider, 'outcomes' | 'changeOwner'> = crm) {
    const routing = routingOn(pool, path);
    const { database, assignments, members, active, reassignments, operators } = routing;
    const ledger = ledgerOn(pool);
    const clocks = new ClocksRepository(database);
    const steps = new StepsRepository(database);
    const notices = new NoticesRepository(database, ['slack', 'webhook']);
    const outcomes = new OutcomesRepository(database);
    const touchRules = new FirstTouchRules(active, members);
    const config = {
      NOTICES_SLACK_URL: chat.url,
      NOTICES_WEBHOOK_URL: webhook.url,
      NOTICES_SECRET: SECRET,
      PUBLIC_URL: 'https://leads.example.com',
      CONSOLE: 'on' as const,
      CRM_PROVIDER: 'salesforce',
      SALESFORCE_LOGIN_URL: org.fake.url,
      RETRY_BASE_MS: 20,
      FIRST_TOUCH_POLL_SECONDS: 1,
    };
    const clocksService = new ClocksService(database, clocks, assignments, outcomes, notices, asked, config, systemClock);
    const now = () => Date.now();
    const reassigner = new Reassigner({ ...routing, crm: asked, leads: ledger.leads, now });
    const stepsService = new StepsService(database, steps, clocks, clocksService, reassignments, notices, operators, systemClock);
    const sender = new NoticeSender(notices, operators, ['slack', 'webhook'], config, systemClock, logger);
    const acts = new OwnerActsService(
      database,
      clocks,
      reassignments,
      assignments,
      outcomes,
      touchRules,
      ledger.auditLog,
      config,
      systemClock,
    );
    const policy = async (): Promise<ActivePolicy> => (await touchRules.active())!;
    return {
      routing,
      ledger,
      steps,
      notices,
      outcomes,
      acts,
      reports: new FirstTouchReportRepository(database),
      /** What the pollers of a worker do, once each. */
      runClocks: async () => clocksService.run(await policy(), signal),
      runSteps: async () => stepsService.runDue(await policy(), signal),
      readCrm: async () => clocksService.readCrm(await policy(), signal),
      reassign: () => reassigner.run(20, signal),
      send: async () => sender.sendDue(await policy(), signal),
    };
  }

  return {
    pool,
    org,
    chat,
    webhook,
    process,
    /** A lead whose decided owner the org has. */
    async assigned(email: string, attributes: Record<string, string> = {}) {
      const { service } = routingOn(pool, path);
      const lead = await acceptLead(pool, email, { attributes, fitScore: 91 });
      const owner = (await service.decide({ ...lead, band: 'hot' }))!;
      const key = lead.personKey;
      // A Lead that was changed lately is read twice before its owner changes.
      org.fake.setClock(() => Date.now() - 600_000);
      const crmId = org.fake.addLead({ Email: email, RF_Person_Key__c: key, OwnerId: owner.ownerId });
      org.fake.setClock(Date.now);
      const evidence = [{ signal: 'message: asks for a demo', polarity: 'positive', points: 18 }];
      await pool.query(`UPDATE ledger.leads SET state = 'synced', crm = $2, enrichment = $3 WHERE id = $1`, [
        lead.leadId,
        JSON.stringify({ provider: 'salesforce', leadId: crmId, memberId: null }),
        JSON.stringify({ fitScore: 91, intent: 'high', evidence }),
      ]);
      await service.recordSeen({ ...lead, band: 'hot', ownerId: owner.ownerId, created: true });
      return { ...lead, crmId, ownerId: owner.ownerId };
    },
    /** Lets the steps become due, as if their time had come. */
    async passTime(kinds: string[]): Promise<void> {
      await pool.query(
        `UPDATE first_touch.steps SET due_at = now() - interval '1 second' WHERE outcome IS NULL AND kind = ANY($1)`,
        [kinds],
      );
    },
    async stepsOf(leadId: string): Promise<string[]> {
      const { rows } = await pool.query<{ line: string }>(
        `SELECT c.owner_id || ' ' || s.kind || ': ' || coalesce(s.outcome, 'open') AS line FROM first_touch.steps s
         JOIN first_touch.clocks c USING (assignment_id) WHERE c.lead_id = $1 ORDER BY s.assignment_id, s.position`,
        [leadId],
      );
      return rows.map(({ line }) => line);
    },
    async noticesOf(leadId: string, channel = 'slack'): Promise<string[]> {
      const { rows } = await pool.query<{ line: string }>(
        `SELECT n.kind || ' to ' || n.recipient_id || ': ' || n.state AS line FROM first_touch.notices n
         JOIN first_touch.clocks c USING (assignment_id) WHERE c.lead_id = $1 AND n.channel = $2 ORDER BY n.id`,
        [leadId, channel],
      );
      return rows.map(({ line }) => line);
    },
    async close(): Promise<void> {
      await org.close();
      await Promise.all([chat.stop(), webhook.stop()]);
      await pool.end();
      await fresh.drop();
    },
  };
}

export type FirstTouchWorld = Awaited<ReturnType<typeof firstTouchWorld>>;
