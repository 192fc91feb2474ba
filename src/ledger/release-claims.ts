import type { Pool } from '../platform/database/pool.js';
import { columns } from '../platform/database/unnest-columns.js';
import { lockInIdOrder } from './lock-in-id-order.js';

export interface Release {
  id: string;
  fence: string;
}

const RELEASE = `
UPDATE ledger.leads l SET claimed_by = NULL, alone = false, touched_at = now()
FROM ${lockInIdOrder('$1::uuid[], $2::bigint[]', 'id, fence')} r
WHERE l.id = r.id AND l.fence = r.fence`;

/** Hands leads back untried: nothing is counted, and no crash is suspected of them. */
export async function releaseClaims(pool: Pool, releases: Release[]): Promise<void> {
  await pool.query({ name: 'release-claims', text: RELEASE, values: columns(releases, ['id', 'fence']) });
}

/** Notes that the run has its worker for itself: if that dies now, this lead killed it. False where the fence was raised. */
export async function markAlone(pool: Pool, { id, fence }: Release): Promise<boolean> {
  const { rowCount } = await pool.query('UPDATE ledger.leads SET alone = true WHERE id = $1 AND fence = $2', [id, fence]);
  return rowCount === 1;
}
