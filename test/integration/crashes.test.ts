import { afterEach, describe, expect, it } from 'vitest';
import type { CrmSync } from '../../src/crm/port.js';
import type { Claim } from '../../src/ledger/claims.repository.js';
import { hasRedis } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { pipelineWorld, type PipelineWorld } from '../support/pipeline-world.js';

/** A crashed worker leaves its claims, which is all that other workers see of the crash. */
describe.skipIf(!hasRedis())('the crash budget', () => {
  let world: PipelineWorld;
  afterEach(() => world.close());

  const dies = async (worker: string, ids: string[]) => {
    const ledger = world.ledgerOf(worker);
    const claims = [];
    for (const leadId of ids) {
      const { rows } = await world.pool.query<{ epoch: number }>('SELECT epoch FROM ledger.leads WHERE id = $1', [leadId]);
      const claim = (await ledger.claims.claimForEnrichment({ leadId, epoch: rows[0]!.epoch }))!;
      await ledger.claims.markExecuting(claim);
      claims.push(claim);
    }
    return claims;
  };

  it('suspects what dead workers were running, and dead-letters at the budget what the last of them ran alone', async () => {
    world = await pipelineWorld({ kind: 'redis' });
    const [poison, neighbour] = (await world.accept(2)) as [string, string];
    await dies('w1', [poison, neighbour]);
    const facts = (claims: Claim[]) =>
      claims.map(({ suspectedCrashes, confirmedCrashes }) => [suspectedCrashes, confirmedCrashes]);
    expect(facts(await dies('w2', [poison, neighbour]))).toEqual([
      [1, 0],
      [1, 0],
    ]);
    // The third worker runs the lead by itself and crashes, which uses up the budget of three.
    const [claim] = await dies('w3', [poison]);
    expect(facts([claim!])).toEqual([[2, 0]]);
    await world.ledgerOf('w3').claims.markExclusive(claim!);
    await world.startWorker();
    await eventually(async () => expect(await world.states()).toEqual({ dead: 1, synced: 1 }));
    const { lead } = (await world.ledger.leads.findLead(poison))!;
    expect(lead.lastError).toMatchObject({ code: 'WORKER_CRASHED', class: 'permanent', stage: 'enrichment' });
    expect((await world.ledger.leads.findLead(neighbour))!.lead.state).toBe('synced');
  });

  it('suspects nothing of a lead whose worker lives, and forgets the suspicion of one that got through', async () => {
    world = await pipelineWorld({ kind: 'redis' });
    const [id] = (await world.accept(1)) as [string];
    await world.pool.query(`INSERT INTO flow.workers (worker, seen_at) VALUES ('alive', now() + interval '1 hour')`);
    await dies('alive', [id]);
    expect((await dies('w2', [id]))[0]).toMatchObject({ suspectedCrashes: 0 });
    expect((await dies('w3', [id]))[0]).toMatchObject({ suspectedCrashes: 1 });
    await world.startWorker();
    await eventually(async () => expect(await world.states()).toEqual({ synced: 1 }));
    const { rows } = await world.pool.query('SELECT suspicions, crashes, alone FROM ledger.leads');
    expect(rows).toEqual([{ suspicions: 0, crashes: 0, alone: false }]);
  });

  it('suspects nothing of a lead that only waited for a slot of the model, nor of a suspect that waited for its turn', async () => {
    world = await pipelineWorld({ kind: 'redis' });
    const [id] = (await world.accept(1)) as [string];
    const claimBy = async (worker: string, waits: boolean) => {
      const { rows } = await world.pool.query<{ epoch: number }>('SELECT epoch FROM ledger.leads WHERE id = $1', [id]);
      return (await world.ledgerOf(worker).claims.claimForEnrichment({ leadId: id, epoch: rows[0]!.epoch, waits }))!;
    };
    const suspected: number[] = [];
    for (const [worker, waits] of [
      ['w1', true],
      ['w2', false],
      ['w3', false],
      ['w4', false],
    ] as const) {
      suspected.push((await claimBy(worker, waits)).suspectedCrashes);
    }
    // w1 let the lead wait; w2 ran it, as an unsuspected claim shows; w3 had not started it.
    expect(suspected).toEqual([0, 0, 1, 1]);
  });

  it('runs a lead that was running at two crashes with the process to itself', async () => {
    let inCall = 0;
    let alone = true;
    world = await pipelineWorld({
      kind: 'redis',
      crm: async ({ projection }: CrmSync) => {
        inCall++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (projection.lead.email === 'p7@acme.com') alone &&= inCall === 1;
        inCall--;
        return { provider: 'test', leadId: 'l', memberId: 'm' };
      },
    });
    const ids = await world.accept(40);
    await world.pool.query('UPDATE ledger.leads SET suspicions = 2 WHERE id = $1', [ids[7]]);
    await world.pool.query(`UPDATE ledger.leads SET state = 'enriched', enrichment = $1, epoch = epoch + 1`, [
      JSON.stringify({ fitScore: 1, intent: 'low', reasoning: '', scoreSource: 'heuristic' }),
    ]);
    await world.backend.queue('crm-sync').enqueue(ids.map((leadId) => ({ leadId, epoch: 2, jobId: 'forty' })));
    await world.startWorker();
    await eventually(async () => expect(await world.states()).toEqual({ synced: 40 }));
    expect(alone).toBe(true);
  });
});
