import type { Pool } from '../platform/database/pool.js';
import { inTransaction } from '../platform/database/transaction.js';

export interface PersonToErase {
  personKey: string;
  /** Requests that were refused and mention the address; found by whoever can read their bodies. */
  rejections: string[];
  /** How many the spool had. */
  spooled: number;
  /** The operator. */
  who: string;
  /** How long a run that is under way may take to end. */
  graceMs: number;
}

/** How many rows went, a store. */
export interface ErasedCounts {
  leads: number;
  events: number;
  rejections: number;
  spool: number;
  alerts: number;
  /** null where the queue did not answer: its jobs have nothing but ids, and end by themselves. */
  jobs: number | null;
}

export interface ErasedPerson {
  receipt: string;
  counts: ErasedCounts;
  /** Of the leads that went, for the queue. */
  leads: { leadId: string; epoch: number }[];
}

interface DeletedRow {
  id: string;
  epoch: number;
  unsettled: boolean;
}

/**
 * All rows of the person in one commit. What is in hand meanwhile cannot bring them back: a write of a run is an UPDATE of its row with its
 * fence, a later claim finds no row, and a lead that is sent again makes a new row with a new fence from the same sequence. A statement that
 * holds a row now is waited for, and its event goes with the others, since events are deleted after their leads.
 * Only the CRM can still be written by a run that has read its row before: `unsettled` rows make the erasure of the CRM wait and be repeated.
 */
export function erasePerson(pool: Pool, { personKey, rejections, spooled, who, graceMs }: PersonToErase): Promise<ErasedPerson> {
  return inTransaction(pool, async (client) => {
    // In the order in which a batch of webhooks locks them, or the two could wait for each other.
    await client.query(`SELECT FROM ledger.leads WHERE person_key = decode($1, 'hex') ORDER BY id FOR UPDATE`, [personKey]);
    const { rows } = await client.query<DeletedRow>(
      `DELETE FROM ledger.leads WHERE person_key = decode($1, 'hex')
       RETURNING id, epoch, (claimed_by IS NOT NULL OR state IN ('received', 'enriched')
         OR touched_at > now() - make_interval(secs => $2 / 1000.0)) AS unsettled`,
      [personKey, graceMs],
    );
    const ids = rows.map(({ id }) => id);
    const remove = async (text: string, values: unknown[]) => (await client.query(text, values)).rowCount ?? 0;
    const counts: ErasedCounts = {
      leads: rows.length,
      events: await remove('DELETE FROM ledger.events WHERE lead_id = ANY($1)', [ids]),
      // One that was replayed with a corrected address is the person's too, whatever its body says.
      rejections: await remove('DELETE FROM ledger.rejections WHERE id = ANY($1) OR replayed_as = ANY($2)', [rejections, ids]),
      spool: spooled,
      alerts:
        (await remove('DELETE FROM flow.alerted_leads WHERE lead_id = ANY($1)', [ids])) +
        (await remove('DELETE FROM flow.alert_messages WHERE lead_ids && $1', [ids])),
      jobs: null,
    };
    // Ids are made of the address: who knows it could tell that an act was about it.
    await client.query(`UPDATE ledger.operator_acts SET detail = detail - 'leadId' WHERE detail->>'leadId' = ANY($1::text[])`, [
      ids,
    ]);
    const receipt = await client.query<{ id: string }>(
      `INSERT INTO ledger.erasures (who, counts, person_key, final_at)
       VALUES ($1, $2, decode($3, 'hex'), now() + make_interval(secs => $4 / 1000.0)) RETURNING id`,
      [who, JSON.stringify(counts), personKey, rows.some(({ unsettled }) => unsettled) ? graceMs : 0],
    );
    const { id } = receipt.rows[0]!;
    await client.query("INSERT INTO ledger.operator_acts (who, act, detail) VALUES ($1, 'erase', $2)", [
      who,
      JSON.stringify({ receipt: id, ...counts }),
    ]);
    return { receipt: id, counts, leads: rows.map((row) => ({ leadId: row.id, epoch: row.epoch })) };
  });
}
