import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { OwnerChange } from '../port.js';
import { MODIFIED_SINCE, type SalesforceClient } from './client.js';
import { recordError } from './errors.js';
import { instantSchema, queryTogether } from './queries.js';
import { recordIdSchema, to18 } from './record-id.js';
import { isGone, isOwnerRefused } from './refusals.js';
import { soql } from './soql.js';

const ownedSchema = z.object({
  Id: recordIdSchema,
  OwnerId: recordIdSchema,
  IsConverted: z.boolean(),
  SystemModstamp: instantSchema,
});

/** Any change makes the condition fail, ours of the score too: then the owner is compared again. */
const TRIES = 6;
/** The condition has whole seconds: only a later second shows that the Lead was changed once more. */
const SECOND_MS = 1100;
/** The clocks of Salesforce and of this machine differ by less. */
const CLOCKS_DIFFER_MS = 300_000;

/**
 * Gives an open Lead another owner, if it still has the one that it is expected to have. The write has the condition
 * that the Lead was not changed since it was read, so an owner whom a human chose meanwhile stays. The condition has
 * whole seconds, so a Lead that was changed lately is read once more in a later second
 * (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest_conditional_requests.htm).
 * @throws AppError where Salesforce does not answer, or refuses the record for another reason than its owner.
 */
export async function changeOwner(
  { client, apiVersion }: { client: SalesforceClient; apiVersion: string },
  { leadId, from, to }: { leadId: string; from: string; to: string },
  signal: AbortSignal,
): Promise<OwnerChange> {
  const query = soql`SELECT Id, OwnerId, IsConverted, SystemModstamp FROM Lead WHERE Id = ${leadId}`;
  let seen: string | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const [[lead] = []] = await queryTogether(client, apiVersion, ownedSchema, [query], signal);
    if (!lead || lead.IsConverted) return { kind: 'gone' };
    // A worker that ended between the write and its record repeats the change.
    if (lead.OwnerId === to18(to)) return { kind: 'changed' };
    if (lead.OwnerId !== to18(from)) return { kind: 'other-owner', ownerId: lead.OwnerId };
    if (lead.SystemModstamp !== seen && Date.now() - Date.parse(lead.SystemModstamp) < CLOCKS_DIFFER_MS) {
      seen = lead.SystemModstamp;
      // A stop ends the wait; the next call then ends with its error.
      await sleep(SECOND_MS, undefined, { signal }).catch(() => {});
      continue;
    }
    const headers = {
      'Sforce-Auto-Assign': 'FALSE',
      'If-Unmodified-Since': new Date(lead.SystemModstamp).toUTCString(),
    };
    const request = { method: 'PATCH', path: `sobjects/Lead/${lead.Id}`, body: { OwnerId: to }, headers } as const;
    const error = await client.callForRecord(request, signal);
    if (error === null) return { kind: 'changed' };
    if (error.code === MODIFIED_SINCE) continue;
    // The record was there a moment ago, so a key that is not valid is that of the owner.
    if (error.code === 'INVALID_CROSS_REFERENCE_KEY' || isOwnerRefused(error, to))
      return { kind: 'refused', why: error.code === 'INACTIVE_OWNER_OR_USER' ? 'inactive' : 'refused' };
    if (isGone(error)) return { kind: 'gone' };
    throw recordError(error, { Id: lead.Id, OwnerId: to });
  }
  throw new AppError('CRM_RECORD_BUSY', 'The Lead was changed in Salesforce each time that its owner was about to change.');
}
