import { join } from 'node:path';
import type pg from 'pg';
import { expect } from 'vitest';
import { OPERATIONS } from '../../src/ops/openapi/document.js';
import type { Operation } from '../../src/ops/openapi/read-operations.js';
import { eventually } from './eventually.js';
import { SECRET, TOKEN } from './operator.js';
import type { RunningProcess } from './service.js';

/** Marketo is configured and does not answer: its operations read and write the ledger only. */
export const WITH_MARKETO = {
  MARKETO_BASE_URL: 'http://127.0.0.1:1',
  MARKETO_CLIENT_ID: 'id',
  MARKETO_CLIENT_SECRET: 'secret',
  MARKETO_WEBHOOK: 'RevenueFlow',
};

export const WITH_ROUTING = { ROUTING_RULES: join(import.meta.dirname, '../fixtures/routing-rules.json') };

export const operationCalled = (id: string): Operation => OPERATIONS.find((operation) => operation.id === id)!;

/**
 * Leads and a rejection on which the operations act. The mock CRM refuses leads of a certain name, so they become dead
 * letters.
 */
export async function fillService(service: RunningProcess, sql: pg.Client) {
  await sql.query(`ALTER TABLE mock_crm.leads ADD CONSTRAINT likes_names CHECK (last_name NOT LIKE 'Refused%')`);
  const headers = { 'x-webhook-secret': SECRET };
  const post = async (email: string, name: string) => {
    const { body } = await service.post(
      { email, name, campaign_id: 'walk', title: 'VP', message: 'A demo, please.' },
      { headers },
    );
    return body.leadId;
  };
  const synced = await post('synced@acme.com', 'Ann Fine');
  const dead: string[] = [];
  for (const number of [1, 2, 3, 4, 5]) dead.push(await post(`dead${number}@acme.com`, `Bob Refused${number}`));
  for (const body of ['{"email": , "campaign_id": 7}', '{"email": "late@acme.com", "name": , "campaign_id": 7}']) {
    await service.post(body, { headers });
  }
  await eventually(async () => {
    const { rows } = await sql.query<{ state: string; count: number }>(
      'SELECT state, count(*)::int AS count FROM ledger.leads GROUP BY state ORDER BY state',
    );
    expect(rows).toEqual([
      { state: 'dead', count: 5 },
      { state: 'synced', count: 1 },
    ]);
  });
  const erased = await fetch(`${service.url}/ops/people/erase`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ email: 'erased@acme.com' }),
  });
  const { receipt } = (await erased.json()) as { receipt: string };
  await sql.query('INSERT INTO feedback.calibrations (who, calibrator, fitted) VALUES ($1, $2, $3)', [
    'ann',
    { method: 'platt', a: -1, b: 2 },
    {
      target: 'converted',
      horizonDays: 90,
      leads: 1000,
      conversions: 200,
      scorerVersions: ['h1'],
      outOfTime: { leads: 300, conversions: 60, raw: 0.2, baseRate: 0.16, platt: 0.15 },
    },
  ]);
  const stop = { maxErrorRate: 0.05, maxDisagreement: 0.5, maxInjected: 0.02 };
  const bounds = { sample: 5000, stratify: [], share: 0.2, perSecond: 2, dailyTokens: 1000 };
  await sql.query(
    "INSERT INTO trials.trials (kind, state, challenger, settings, who) VALUES ('shadow', 'running', $1, $2, 'ann')",
    [{ profile: { base: 25 } }, { ...bounds, target: 'converted', horizonDays: 90, stop }],
  );
  const { rows } = await sql.query<{ id: string }>('SELECT id FROM ledger.rejections ORDER BY received_at');
  return { synced, dead, receipt, rejections: rows.map(({ id }) => id) };
}

export type Filled = Awaited<ReturnType<typeof fillService>>;

/** A successful request per operation on a filled service. Each is sent once, in this order. */
export function requestsOn({ synced, dead, receipt, rejections }: Filled): Record<string, { path: string; body?: unknown }[]> {
  return {
    postLead: [
      { path: '/leads', body: { email: 'contract@acme.com', campaign_id: 1 } },
      { path: '/leads', body: { email: 'contract@acme.com', campaign_id: 1 } },
      { path: '/leads', body: { email: 'contract@acme.com', campaign_id: 1, title: 'CTO' } },
    ],
    listLeads: [{ path: '/ops/leads?state=dead&limit=1' }, { path: '/ops/leads' }],
    searchLeads: [{ path: '/ops/leads/search', body: { email: 'synced@acme.com' } }],
    getLead: [{ path: `/ops/leads/${synced}` }, { path: `/ops/leads/${dead[0]}` }],
    rescoreLead: [{ path: `/ops/leads/${synced}/rescore` }],
    listDeadLetters: [{ path: '/ops/dead-letters' }],
    summariseDeadLetters: [{ path: '/ops/dead-letters/summary' }],
    getDeadLetter: [{ path: `/ops/dead-letters/${dead[0]}` }],
    editDeadLetter: [
      { path: `/ops/dead-letters/${dead[0]}`, body: { name: 'Bob Accepted' } },
      { path: `/ops/dead-letters/${dead[1]}`, body: { email: 'alive@acme.com', name: 'Bob Alive' } },
    ],
    replayDeadLetter: [{ path: `/ops/dead-letters/${dead[0]}/replay` }],
    discardDeadLetter: [{ path: `/ops/dead-letters/${dead[2]}/discard`, body: { reason: 'a test' } }],
    replayDeadLetters: [{ path: '/ops/dead-letters/replay', body: { all: true, limit: 1 } }],
    listRejections: [{ path: '/ops/rejections' }],
    replayRejection: [{ path: `/ops/rejections/${rejections[0]}/replay`, body: { email: 'mended@acme.com' } }],
    replayRejections: [{ path: '/ops/rejections/replay', body: { all: true } }],
    pauseQueue: [{ path: '/ops/queues/crm-sync/pause' }],
    listQueues: [{ path: '/ops/queues' }],
    resumeQueue: [{ path: '/ops/queues/crm-sync/resume' }],
    listOperatorActs: [{ path: '/ops/audit?act=pause&limit=1' }],
    getCosts: [{ path: '/ops/costs' }],
    scoreLead: [{ path: '/ops/score', body: { email: 'new@acme.com', campaign_id: 1, message: 'A demo, please.' } }],
    tryScoringProfile: [{ path: '/ops/score/dry-run', body: { profile: { base: 20 }, since: '2026-01-01T00:00:00Z' } }],
    getSla: [{ path: '/ops/sla?minutes=5' }],
    reportOutcome: [
      { path: '/ops/outcomes', body: { email: 'synced@acme.com', kind: 'won', at: '2026-11-24', amount: 1, currency: 'EUR' } },
      { path: '/ops/outcomes', body: { email: 'synced@acme.com', kind: 'won', at: '2026-11-24', amount: 1, currency: 'EUR' } },
    ],
    getOutcomesReport: [{ path: '/ops/outcomes/report' }, { path: '/ops/outcomes/report?target=won&horizonDays=30&capacity=5' }],
    listCalibrations: [{ path: '/ops/outcomes/calibration' }],
    calibrate: [
      { path: '/ops/outcomes/calibration', body: { act: 'activate', version: 1 } },
      { path: '/ops/outcomes/calibration', body: { act: 'rollback' } },
    ],
    startTrial: [
      { path: '/ops/trials', body: { kind: 'shadow', challenger: { profile: { base: 25 } }, share: 0.2 } },
      { path: '/ops/trials', body: { kind: 'backtest', challenger: { profile: { base: 20 } }, sample: 10 } },
    ],
    listTrials: [{ path: '/ops/trials' }],
    getTrial: [{ path: '/ops/trials/1' }],
    stopTrial: [{ path: '/ops/trials/1/stop' }],
    promoteTrial: [{ path: '/ops/trials/1/promote', body: { force: true } }],
    rollBackScorer: [{ path: '/ops/trials/rollback' }],
    getMarketo: [{ path: '/ops/marketo' }],
    getMarketoArrivals: [{ path: '/ops/marketo/arrivals' }],
    pauseMarketo: [{ path: '/ops/marketo/marketo-sync/pause' }],
    resumeMarketo: [{ path: '/ops/marketo/marketo-sync/resume' }],
    reconcileMarketo: [{ path: '/ops/marketo/reconcile', body: { repair: false } }],
    getMarketoRun: [{ path: '/ops/marketo/runs/1' }],
    backfillMarketo: [{ path: '/ops/marketo/backfill', body: { retry: true } }],
    getRouting: [{ path: '/ops/routing' }],
    getFirstTouchReport: [{ path: '/ops/routing/first-touch?by=pool' }],
    listRoutingDecisions: [{ path: '/ops/routing/decisions?limit=1' }],
    simulateRouting: [{ path: '/ops/routing/simulate', body: { lead: { email: 'r@acme.com', campaign_id: 1, country: 'DE' } } }],
    checkRoutingRules: [{ path: '/ops/routing/check', body: { rules: { reps: [{ id: 'cy' }], fallback: { rep: 'cy' } } } }],
    dryRunRouting: [{ path: '/ops/routing/dry-run', body: { rules: { reps: [{ id: 'cy' }], fallback: { rep: 'cy' } } } }],
    storeRoutingRules: [{ path: '/ops/routing/rules', body: { rules: { reps: [{ id: 'cy' }], fallback: { rep: 'cy' } } } }],
    activateRoutingRules: [{ path: '/ops/routing/activate', body: { version: 2 } }],
    rollBackRoutingRules: [{ path: '/ops/routing/rollback' }],
    setRoutingAbsences: [
      { path: '/ops/routing/absences', body: { rep: 'ann', absences: [{ from: '2026-12-24', to: '2026-12-31' }] } },
    ],
    reassignLead: [{ path: '/ops/routing/reassign', body: { leadId: synced, to: 'ann', reason: 'a test' } }],
    importRoutingDirectory: [
      { path: '/ops/routing/directory', body: { accounts: [{ accountId: 'A1', ownerId: 'ann', domains: ['acme.example'] }] } },
    ],
    exportPerson: [{ path: '/ops/people/export', body: { email: 'synced@acme.com' } }],
    erasePerson: [{ path: '/ops/people/erase', body: { email: 'nobody-knows@acme.com' } }],
    getErasure: [{ path: `/ops/people/erasures/${receipt}` }],
    index: [{ path: '/' }],
    operationsIndex: [{ path: '/ops' }],
    health: [{ path: '/health' }],
    live: [{ path: '/health/live' }],
    ready: [{ path: '/health/ready' }],
    metrics: [{ path: '/metrics' }],
    openapi: [{ path: '/openapi.json' }],
  };
}

export function send(service: RunningProcess, operation: Operation, path: string, token: string | null, body?: unknown) {
  return fetch(`${service.url}${path}`, {
    method: operation.method.toUpperCase(),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
