import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AppError } from '../../src/domain/app-error.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import type { AcceptedLead } from '../../src/ledger/intake.repository.js';
import { openPool, type Pool } from '../../src/platform/database/pool.js';
import { freshDatabase } from '../support/database.js';
import { ledgerOn, type LedgerRepositories } from '../support/ledger.js';

const LEADS = 300;
const ROUNDS = 40;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;
const ledgers: LedgerRepositories[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool({ url: database.url, max: 8, timeoutMs: 5000, name: 'test' });
  // One api and two workers.
  for (const worker of ['a', 'b', 'c']) ledgers.push(ledgerOn(pool, { worker }));
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const leads = Array.from({ length: LEADS }, (_, index) => {
  const email = `ann${index}@acme.com`;
  return { id: leadIdOf(email, 'c'), personKey: personKeyOf(email), email, emailRaw: email, campaignId: 'c', name: 'Ann' };
});
const inAnyOrder = <T>(rows: T[]) =>
  rows
    .map((row) => ({ row, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ row }) => row);

const enrichment = { fitScore: 80, intent: 'high', scoreSource: 'heuristic', needsRescore: false } as Enrichment;

/** All steps of a worker with a lead, until another worker takes the lead over. */
async function bringForward(worker: LedgerRepositories, { leadId, epoch }: AcceptedLead): Promise<void> {
  const claim = await worker.claims.claimForEnrichment({ leadId, epoch });
  if (!claim) return;
  if (leadId < '8') return worker.claims.release(claim);
  await worker.results.checkpoint(claim, enrichment);
  const claimForSync = await worker.claims.claimForSync({ leadId, epoch });
  if (claimForSync) await worker.results.markSynced(claimForSync, { provider: 'postgres', leadId: '00Q1', memberId: '00v1' });
}

it('webhooks that revise leads and workers that have claimed them never deadlock', async () => {
  const [api, ...workers] = ledgers as [LedgerRepositories, ...LedgerRepositories[]];
  let accepted = await Promise.all(leads.map((lead) => api.intake.accept({ ...lead, attributes: {} })));
  for (let round = 1; round <= ROUNDS; round++) {
    const revised = inAnyOrder(leads).map((lead) => api.intake.accept({ ...lead, attributes: { round: String(round) } }));
    const work = workers.flatMap((worker) =>
      inAnyOrder(accepted).map((lead) => bringForward(worker, lead).catch((error: AppError) => error)),
    );
    accepted = await Promise.all(revised);
    const failed = (await Promise.all(work)).filter((error) => error !== undefined && error.code !== 'STALE_RUN');
    expect(failed).toEqual([]);
  }
  expect(new Set(accepted.map(({ revision }) => revision))).toEqual(new Set([ROUNDS + 1]));
});
