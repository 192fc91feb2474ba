import { setTimeout as sleep } from 'node:timers/promises';
import { isLock, isSetting, type ApiError } from './api-error.js';
import type { FieldValues } from './field-map.js';
import type { Target } from './match.js';
import type { OrgSchema } from './org-schema.js';
import { mayBeAnyValue, namesIn } from './refusals.js';
import { writeInParts, type PartResult, type PartTools } from './write-in-parts.js';

/** A membership to ensure. */
export interface Membership {
  target: Target;
  /** The Salesforce id of the Campaign, of 18 characters. */
  campaign: string;
  /** More fields of CampaignMember. */
  fields: FieldValues;
}

export interface InsertTools extends PartTools {
  memberSchema: OrgSchema;
  /** Whether a membership is written without an optional field that the org refuses. */
  leaveOut: boolean;
}

/** What was sent at last, what became of it, and what of the mapped fields was left out. */
export interface Inserted {
  record: Record<string, unknown>;
  result: PartResult;
  notes: string[];
}

/** Inserting members locks their Campaign, for other processes too. */
const LOCK_TRIES = 3;
const LOCK_WAIT_MS = 300;
/** The first without the fields that errors name, the last without all of them. */
const ROUNDS = 4;

interface Draft {
  membership: Membership;
  fields: FieldValues;
  notes: string[];
}

/** Inserts memberships with their mapped fields, and without those that the org refuses. */
export async function insertMembers(tools: InsertTools, members: Membership[]): Promise<Inserted[]> {
  const drafts = await Promise.all(members.map((member) => draftOf(tools, member)));
  const results: PartResult[] = [];
  let open = drafts.map((_, index) => index);
  for (let round = 1; open.length > 0; round++) {
    const part = await insert(
      tools,
      open.map((index) => recordOf(drafts[index]!)),
    );
    open.forEach((index, place) => (results[index] = part[place]!));
    open = open.filter((index) => round < ROUNDS && leftOut(tools, drafts[index]!, results[index]!));
  }
  return drafts.map((draft, index) => ({ record: recordOf(draft), result: results[index]!, notes: draft.notes }));
}

export function recordOf({ membership, fields }: Pick<Draft, 'membership' | 'fields'>): Record<string, unknown> {
  const { target, campaign } = membership;
  return { CampaignId: campaign, [target.object === 'Lead' ? 'LeadId' : 'ContactId']: target.id, ...fields };
}

async function draftOf({ memberSchema, notices }: InsertTools, membership: Membership): Promise<Draft> {
  const fields = { ...membership.fields };
  // Only a map with fields of members needs to know what they hold.
  const { unfit } = Object.keys(fields).length > 0 ? await memberSchema.fit(fields) : { unfit: [] };
  for (const name of unfit) notices.fieldLeftOut(`CampaignMember.${name}`, 'unreadable');
  const notes = unfit.map((name) => `${name} of the member is left out: its value cannot be read as what the field holds.`);
  return { membership, fields, notes };
}

async function insert(tools: PartTools, records: Record<string, unknown>[]): Promise<PartResult[]> {
  const results: PartResult[] = [];
  let open = records.map((_, index) => index);
  for (let tries = 1; open.length > 0; tries++) {
    const part = await writeInParts(tools, {
      method: 'POST',
      object: 'CampaignMember',
      records: open.map((index) => records[index]!),
    });
    open.forEach((index, place) => (results[index] = part[place]!));
    open = open.filter((index) => {
      const error = errorOf(results[index]!);
      return tries < LOCK_TRIES && error !== null && isLock(error);
    });
    if (open.length > 0) await sleep(LOCK_WAIT_MS * tries * (0.5 + Math.random()));
  }
  return results;
}

export function errorOf(result: PartResult): ApiError | null {
  return 'error' in result ? result.error : null;
}

/** Drops the mapped fields that an error names, or all where it may come from any of them. */
function leftOut({ leaveOut, notices }: InsertTools, { fields, notes }: Draft, result: PartResult): boolean {
  const error = errorOf(result);
  if (!leaveOut || error === null || isSetting(error) || isLock(error)) return false;
  const names = Object.keys(fields);
  const refused = new Set(error.fields.map((name) => name.toLowerCase()));
  const named =
    error.code === 'DUPLICATE_VALUE' ? namesIn(error.message, names) : names.filter((name) => refused.has(name.toLowerCase()));
  const fromAny = named.length === 0 && error.fields.length === 0 && mayBeAnyValue(error);
  const dropped = fromAny ? names : named;
  for (const name of dropped) {
    delete fields[name];
    notes.push(`${name} of the member is left out: the org refuses the record with its value (${error.code}).`);
    notices.fieldLeftOut(`CampaignMember.${name}`, error.code);
  }
  return dropped.length > 0;
}
