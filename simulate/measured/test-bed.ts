import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openLeads } from '../../bench/leads.js';
import { cpuMsOf, startService, startStores, type Server, type Stores } from '../../bench/support.js';
import { Sample } from '../engine/sample.js';
import type { Load } from '../model/load.js';
import { cpuTreeMsOf, machineCpuMs } from './cpu.js';
import { send } from './send.js';
import type { Figures } from './fake-services.js';

export interface TestBedOptions {
  /** Null: the heuristic and the mock CRM. */
  fakes: { aiP50Ms: number; aiP95Ms: number; crmMs: number } | null;
  /** False: an api alone. */
  worker: boolean;
  settings?: Record<string, string>;
}

export interface Measured {
  leads: number;
  seconds: number;
  acks: Sample;
  enrichment: Sample;
  crmSync: Sample;
  speed: Sample;
  scoredInTime: number;
  /** CPU time in milliseconds, by whose it is. */
  cpu: { api: number; worker: number; postgres: number; redis: number; load: number; others: number };
  calls: Figures;
}

/** Milliseconds of CPU in a second. */
export type Idle = Record<'api' | 'worker' | 'postgres' | 'redis', number>;

/**
 * The real service on this machine: api and worker processes with stores, fake model and fake Salesforce, on free
 * ports.
 */
export class TestBed {
  private constructor(
    readonly stores: Stores,
    private readonly sql: pg.Client,
    private readonly fakes: ChildProcess | null,
    readonly api: Server,
    private readonly worker: Server | null,
  ) {}

  static async start({ fakes, worker, settings = {} }: TestBedOptions): Promise<TestBed> {
    const stores = await startStores();
    const child = fakes ? startFakes(fakes) : null;
    const given = child ? await nextMessage<Record<string, string>>(child) : {};
    const env = { ...given, ...settings };
    const sql = new pg.Client({ connectionString: stores.databaseUrl });
    await sql.connect();
    const api = await startService(stores, { ...env, ROLE: 'api' });
    return new TestBed(stores, sql, child, api, worker ? await startService(stores, { ...env, ROLE: 'worker' }) : null);
  }

  /** Sends the load and waits until every lead is in the CRM. */
  async measure(load: Load, seed: number): Promise<Measured> {
    await this.sql.query('TRUNCATE ledger.leads CASCADE');
    const before = await this.cpu();
    const callsBefore = await this.calls();
    const began = performance.now();
    const { acks, cpuMs } = await send(this.api.url, load, seed);
    while (this.worker && (await openLeads(this.sql)) > 0) await sleep(50);
    const seconds = (performance.now() - began) / 1000;
    const after = await this.cpu();
    const callsAfter = await this.calls();
    const used = (who: keyof typeof after) => after[who] - before[who];
    const ours = used('api') + used('worker') + used('postgres') + used('redis') + used('fakes') + cpuMs;
    const [api, worker, postgres, redis] = [used('api'), used('worker'), used('postgres'), used('redis')];
    return {
      leads: acks.count,
      seconds,
      acks,
      ...(await this.stages()),
      cpu: { api, worker, postgres, redis, load: cpuMs, others: used('machine') - ours },
      calls: {
        aiCalls: callsAfter.aiCalls - callsBefore.aiCalls,
        crmCalls: callsAfter.crmCalls - callsBefore.crmCalls,
      },
    };
  }

  /** Posts a backlog while the worker is paused, and measures how a warm worker drains it. */
  async drain(
    leads: number,
  ): Promise<{ perSecond: number; cpu: { load: number; worker: number; postgres: number; redis: number } }> {
    await this.sql.query('TRUNCATE ledger.leads CASCADE');
    process.kill(this.worker!.pid, 'SIGSTOP');
    const { acks, cpuMs } = await send(this.api.url, [{ seconds: leads / 1000, perSecond: 1000 }], leads);
    const [before, began] = [await this.cpu(), performance.now()];
    process.kill(this.worker!.pid, 'SIGCONT');
    while ((await openLeads(this.sql)) > 0) await sleep(25);
    const [after, count] = [await this.cpu(), await this.synced()];
    const perLead = (who: keyof typeof after) => (after[who] - before[who]) / count;
    return {
      perSecond: (count / (performance.now() - began)) * 1000,
      cpu: { load: cpuMs / acks.count, worker: perLead('worker'), postgres: perLead('postgres'), redis: perLead('redis') },
    };
  }

  /** What the processes use while nothing comes. */
  async idle(seconds: number): Promise<Idle> {
    const before = await this.cpu();
    await sleep(seconds * 1000);
    const after = await this.cpu();
    const of = (who: keyof Idle) => (after[who] - before[who]) / seconds;
    return { api: of('api'), worker: of('worker'), postgres: of('postgres'), redis: of('redis') };
  }

  /** The median of commits of one row, in milliseconds. */
  async commitMs(): Promise<number> {
    const took = new Sample();
    await this.sql.query('CREATE TABLE IF NOT EXISTS public.commits (at timestamptz)');
    for (let round = 0; round < 200; round++) {
      const began = performance.now();
      await this.sql.query('INSERT INTO public.commits VALUES (now())');
      took.add(performance.now() - began);
    }
    return took.quantile(0.5);
  }

  async stop(): Promise<void> {
    await this.sql.end();
    this.fakes?.disconnect();
    await Promise.all([this.api.stop(), this.worker?.stop()]);
    await this.stores.stop();
  }

  private async synced(): Promise<number> {
    const { rows } = await this.sql.query<{ n: number }>('SELECT count(first_synced_at)::int AS n FROM ledger.leads');
    return rows[0]!.n;
  }

  async cpu() {
    const { stores, api, worker, fakes } = this;
    return {
      api: await cpuMsOf(api.pid),
      worker: worker ? await cpuMsOf(worker.pid) : 0,
      postgres: await cpuTreeMsOf(stores.postgresPid),
      redis: await cpuMsOf(stores.redisPid),
      fakes: fakes ? await cpuMsOf(fakes.pid!) : 0,
      machine: await machineCpuMs(),
    };
  }

  private async calls(): Promise<Figures> {
    if (!this.fakes) return { aiCalls: 0, crmCalls: 0 };
    this.fakes.send('figures');
    return nextMessage<Figures>(this.fakes);
  }

  private async stages() {
    const { rows } = await this.sql.query<{ scored: number | null; synced: number | null; inTime: boolean }>(
      `SELECT extract(epoch FROM first_enriched_at - received_at)::float * 1000 AS scored,
         extract(epoch FROM first_synced_at - first_enriched_at)::float * 1000 AS synced,
         enrichment->>'needsRescore' = 'false' AS "inTime"
       FROM ledger.leads`,
    );
    const [enrichment, crmSync, speed] = [new Sample(), new Sample(), new Sample()];
    for (const { scored, synced } of rows) {
      if (scored === null || synced === null) continue;
      enrichment.add(scored);
      crmSync.add(synced);
      speed.add(scored + synced);
    }
    return { enrichment, crmSync, speed, scoredInTime: rows.filter(({ inTime }) => inTime).length / rows.length };
  }
}

/** The next message of the child. @throws if it ends instead. */
function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('The fake model and Salesforce ended unexpectedly.'));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

function startFakes({ aiP50Ms, aiP95Ms, crmMs }: NonNullable<TestBedOptions['fakes']>): ChildProcess {
  return fork(join(import.meta.dirname, 'fake-services.ts'), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, AI_P50_MS: String(aiP50Ms), AI_P95_MS: String(aiP95Ms), CRM_MS: String(crmMs) },
  });
}
