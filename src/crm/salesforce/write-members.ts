import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { CrmExchange } from '../../domain/lead.js';
import { auditFields } from '../audit-fields.js';
import type { SalesforceClient } from './client.js';
import { writeRecords } from './collections.js';
import { isLock, recordError, type ApiError } from './errors.js';
import type { FieldValues } from './field-map.js';
import type { Target } from './match.js';
import { queryTogether } from './queries.js';
import { soql } from './soql.js';

/** A membership to ensure. */
export interface Membership {
  target: Target;
  /** The Salesforce id of the Campaign. */
  campaign: string;
  /** More fields of CampaignMember. */
  fields: FieldValues;
}

/** A membership that is there, with what was sent and answered. */
export type WrittenMember = CrmExchange['member'] & { id: string };

/** Inserting members locks their Campaign, for other processes too. */
const LOCK_TRIES = 3;
const LOCK_WAIT_MS = 300;

const memberSchema = z.object({
  Id: z.string(),
  CampaignId: z.string(),
  LeadId: z.string().nullish(),
  ContactId: z.string().nullish(),
});

/** Ensures memberships, at most 200: one that is there already is what was wanted. @returns it, or why not, in order. */
export async function writeMembers(
  client: SalesforceClient,
  version: string,
  members: Membership[],
): Promise<(WrittenMember | AppError)[]> {
  const results: (WrittenMember | AppError)[] = [];
  const existing: number[] = [];
  let open = members.map((_, index) => index);
  for (let tries = 1; open.length > 0; tries++) {
    const records = open.map((index) => recordOf(members[index]!));
    const answers = await writeRecords(client, 'POST', 'CampaignMember', records);
    const locked: number[] = [];
    open.forEach((index, place) => {
      const answer = answers[place]!;
      if ('id' in answer) results[index] = { id: answer.id, answer: 'created', fields: auditFields(records[place]!) };
      else if (isMemberAlready(answer.error)) existing.push(index);
      else if (isLock(answer.error) && tries < LOCK_TRIES) locked.push(index);
      else results[index] = memberError(answer.error, records[place]!);
    });
    open = locked;
    if (open.length > 0) await sleep(LOCK_WAIT_MS * tries * (0.5 + Math.random()));
  }
  await findExisting(client, version, members, existing, results);
  return results;
}

function recordOf({ target, campaign, fields }: Membership): Record<string, unknown> {
  return { CampaignId: campaign, [target.object === 'Lead' ? 'LeadId' : 'ContactId']: target.id, ...fields };
}

function isMemberAlready({ code, message }: ApiError): boolean {
  return code === 'DUPLICATE_VALUE' && /already a campaign member/i.test(message);
}

/** The Lead was converted, merged or deleted since we looked: the next attempt looks again. */
function memberError(error: ApiError, record: Record<string, unknown>): AppError {
  if (!['CANNOT_UPDATE_CONVERTED_LEAD', 'ENTITY_IS_DELETED', 'INVALID_CROSS_REFERENCE_KEY'].includes(error.code)) {
    return recordError(error, record);
  }
  return new AppError('CRM_RECORD_BUSY', `The record changed in Salesforce while its membership was written (${error.code}).`, {
    answer: error.code,
  });
}

async function findExisting(
  client: SalesforceClient,
  version: string,
  members: Membership[],
  existing: number[],
  results: (WrittenMember | AppError)[],
): Promise<void> {
  if (existing.length === 0) return;
  const campaigns = [...new Set(existing.map((index) => members[index]!.campaign))];
  const idsOf = (object: Target['object']) => [
    ...new Set(
      existing.map((index) => members[index]!.target).flatMap((target) => (target.object === object ? [target.id] : [])),
    ),
  ];
  const [leads, contacts] = [idsOf('Lead'), idsOf('Contact')];
  const found = await queryTogether(client, version, memberSchema, [
    ...(leads.length > 0
      ? [
          soql`SELECT Id, CampaignId, LeadId, ContactId FROM CampaignMember WHERE CampaignId IN ${campaigns} AND LeadId IN ${leads}`,
        ]
      : []),
    ...(contacts.length > 0
      ? [
          soql`SELECT Id, CampaignId, LeadId, ContactId FROM CampaignMember WHERE CampaignId IN ${campaigns} AND ContactId IN ${contacts}`,
        ]
      : []),
  ]);
  const ids = new Map(
    found
      .flat()
      .flatMap((record) => [record.LeadId, record.ContactId].map((person) => [`${person} ${record.CampaignId}`, record.Id])),
  );
  for (const index of existing) {
    const { target, campaign } = members[index]!;
    const id = ids.get(`${target.id} ${campaign}`);
    results[index] = id
      ? { id, answer: 'there-already', fields: auditFields(recordOf(members[index]!)) }
      : new AppError('CRM_RECORD_BUSY', 'Salesforce says that the membership exists, and does not show it.');
  }
}
