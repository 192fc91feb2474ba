import { z } from 'zod';
import type { OwnerChange } from '../port.js';
import type { SalesforceClient } from './client.js';
import { writeRecords } from './collections.js';
import { recordError } from './errors.js';
import { queryTogether } from './queries.js';
import { recordIdSchema, to18 } from './record-id.js';
import { isGone } from './refusals.js';
import { soql } from './soql.js';

const ownedSchema = z.object({ Id: recordIdSchema, OwnerId: recordIdSchema, IsConverted: z.boolean() });

/**
 * Gives an open Lead another owner, if it still has the one that it is expected to have. An owner whom a human
 * chose since stays.
 * @throws AppError where Salesforce does not answer, or refuses the owner.
 */
export async function changeOwner(
  { client, apiVersion }: { client: SalesforceClient; apiVersion: string },
  { leadId, from, to }: { leadId: string; from: string; to: string },
  signal: AbortSignal,
): Promise<OwnerChange> {
  const query = soql`SELECT Id, OwnerId, IsConverted FROM Lead WHERE Id = ${leadId}`;
  const [[lead] = []] = await queryTogether(client, apiVersion, ownedSchema, [query], signal);
  if (!lead || lead.IsConverted) return { kind: 'gone' };
  // A worker that ended between the write and its record repeats the change.
  if (lead.OwnerId === to18(to)) return { kind: 'changed' };
  if (lead.OwnerId !== to18(from)) return { kind: 'other-owner', ownerId: lead.OwnerId };
  const record = { Id: lead.Id, OwnerId: to };
  const [answer] = await writeRecords(client, 'PATCH', 'Lead', [record], { headers: { 'Sforce-Auto-Assign': 'FALSE' } }, signal);
  if (answer && 'id' in answer) return { kind: 'changed' };
  if (isGone(answer!.error)) return { kind: 'gone' };
  throw recordError(answer!.error, record);
}
