import { describe, expect, it } from 'vitest';
import type { LeadReference } from '../domain/lead-jobs.js';
import type { JobLead, LeadOutcome } from './job.js';
import { JobRun } from './job-run.js';

const HOUR_MS = 3_600_000;
const lead = (leadId: string, notBefore?: number): JobLead => ({ leadId, epoch: 1, ...(notBefore ? { notBefore } : {}) });

/** Runs a job whose leads have these outcomes. @returns the leads that ran, and those that the run returned. */
async function runOf(
  leads: JobLead[],
  outcomeOf: (leadId: string) => LeadOutcome | Promise<LeadOutcome>,
  stopping = () => false,
) {
  const ran: string[] = [];
  const run = new JobRun(leads, {
    handler: async ({ leadId }: LeadReference) => {
      ran.push(leadId);
      return outcomeOf(leadId);
    },
    inTurn: (work) => work(),
    ended: () => {},
    stopping,
    signal: new AbortController().signal,
  });
  return { ran, returned: run.run() };
}

describe('the run of a job', () => {
  it('returns each lead that waits with the end of its own wait', async () => {
    const began = Date.now();
    const waits: Record<string, number> = { short: 1000, long: HOUR_MS };
    const { returned } = await runOf([lead('short'), lead('done'), lead('long')], (id) =>
      id === 'done' ? { kind: 'done' } : { kind: 'wait', delayMs: waits[id]! },
    );
    const waiting = await returned;
    expect(waiting.map(({ leadId }) => leadId).toSorted()).toEqual(['long', 'short']);
    for (const { leadId, notBefore } of waiting) expect(notBefore).toBeGreaterThanOrEqual(began + waits[leadId]!);
  });

  it('does not run a lead before the end of its wait because the job came back for another', async () => {
    const later = Date.now() + HOUR_MS;
    const { ran, returned } = await runOf([lead('due', 1), lead('new'), lead('later', later)], () => ({ kind: 'done' }));
    expect(await returned).toEqual([lead('later', later)]);
    expect(ran).toEqual(['due', 'new']);
  });

  it('runs what is due first where the clock of this machine is behind', async () => {
    const [first, second] = [Date.now() + HOUR_MS, Date.now() + 2 * HOUR_MS];
    const { ran, returned } = await runOf([lead('b', second), lead('a', first)], () => ({ kind: 'done' }));
    expect(await returned).toEqual([lead('b', second)]);
    expect(ran).toEqual(['a']);
  });

  it('runs a lead again whose wait ends while another lead still runs', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let tries = 0;
    const { returned } = await runOf([lead('slow'), lead('waits')], async (id) => {
      if (id === 'waits') return ++tries < 3 ? { kind: 'wait', delayMs: 1 } : (release(), { kind: 'done' });
      await held;
      return { kind: 'done' };
    });
    expect(await returned).toEqual([]);
    expect(tries).toBe(3);
  });

  it('returns the leads that wait when the process stops, and each keeps its wait', async () => {
    const later = Date.now() + HOUR_MS;
    const { ran, returned } = await runOf(
      [lead('new'), lead('later', later)],
      () => ({ kind: 'done' }),
      () => true,
    );
    const waiting = await returned;
    expect(ran).toEqual([]);
    expect(waiting.map(({ leadId }) => leadId).toSorted()).toEqual(['later', 'new']);
    expect(waiting.find(({ leadId }) => leadId === 'later')).toEqual(lead('later', later));
  });
});
