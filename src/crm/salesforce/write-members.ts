import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { CrmExchange } from '../../domain/lead.js';
import { auditFields } from '../audit-fields.js';
import { isLock, type ApiError } from './api-error.js';
import { recordError } from './errors.js';
import { errorOf, insertMembers, recordOf, type Inserted, type InsertTools, type Membership } from './insert-members.js';
import type { MatchTools, Target } from './match.js';
import { isResponse, sameLabel, type MemberStatuses } from './member-statuses.js';
import { queryTogether } from './queries.js';
import { recordIdSchema } from './record-id.js';
import { soql } from './soql.js';
import type { SharedCauses } from './shared-causes.js';
import { writeInParts } from './write-in-parts.js';

/** A membership that is there: `fields` is what was sent, with the status that the org has. */
export type WrittenMember = CrmExchange['member'] & { id: string | null; notes: string[] };
/**
 * `campaign`: the Campaign takes no membership; with `answer`, a rule of the org takes not this one. `person`: the
 * person's record has moved since it was looked at.
 */
export type MemberRefusal = { campaign: string; answer?: string } | { person: AppError };
export type MemberAnswer = WrittenMember | MemberRefusal | AppError;

export type { Membership };

export interface MemberTools extends InsertTools, Pick<MatchTools, 'client' | 'apiVersion'> {
  statuses: MemberStatuses;
  causes: SharedCauses;
  clock: { now(): number };
}

const MEMBER_FIELDS = 'SELECT Id, CampaignId, LeadId, ContactId, Status, HasResponded FROM CampaignMember';

const memberSchema = z.object({
  Id: recordIdSchema,
  CampaignId: recordIdSchema,
  LeadId: recordIdSchema.nullish(),
  ContactId: recordIdSchema.nullish(),
  Status: z.string().nullish(),
  HasResponded: z.boolean().nullish(),
});
type FoundMember = z.output<typeof memberSchema>;

/**
 * Ensures memberships, at most 200. One that is there already is what was wanted; its status is raised where the mapped
 * status is a response and the member's is none, and never changed otherwise.
 * @returns one answer a membership, in order.
 */
export async function writeMembers(tools: MemberTools, members: Membership[]): Promise<MemberAnswer[]> {
  const answers: MemberAnswer[] = [];
  const refused: Refused[] = [];
  const existing: number[] = [];
  const beganAt = tools.clock.now();
  const inserted = await insertMembers(tools, members);
  inserted.forEach(({ record, result, notes }, index) => {
    if (result instanceof AppError) answers[index] = result;
    else if ('id' in result) answers[index] = { id: result.id, answer: 'created', fields: auditFields(record), notes };
    // Whatever the language of the sentence: a membership has no other unique value, but those of mapped fields.
    else if (result.error.code === 'DUPLICATE_VALUE') existing.push(index);
    else refused.push({ index, error: result.error, record });
  });
  const passes = refused.length < inserted.filter(({ result }) => !(result instanceof AppError)).length;
  if (passes) tools.causes.passed('member', beganAt);
  await judgeRefusals(tools, members, refused, answers, passes);
  await findExisting(tools, members, inserted, existing, answers);
  await showStatuses(tools, members, answers);
  return answers;
}

interface Refused {
  index: number;
  error: ApiError;
  record: Record<string, unknown>;
}

/** Rules of the org on memberships, such as one that closes a campaign. Sales has the Lead all the same. */
const RULES = new Set(['FIELD_CUSTOM_VALIDATION_EXCEPTION', 'FIELD_FILTER_VALIDATION_EXCEPTION', 'REQUIRED_FIELD_MISSING']);

/** This user may not add members to the Campaign; to create none at all is a missing permission on the object. */
const NO_ACCESS = new Set([
  'INSUFFICIENT_ACCESS',
  'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
  'INSUFFICIENT_ACCESS_OR_READONLY',
]);
const ABOUT_A_REFERENCE = new Set([
  'CANNOT_UPDATE_CONVERTED_LEAD',
  'ENTITY_IS_DELETED',
  'FIELD_INTEGRITY_EXCEPTION',
  'INVALID_CROSS_REFERENCE_KEY',
  'MALFORMED_ID',
  ...NO_ACCESS,
]);

/** Whose reference is refused: the errors often do not say, so the Campaigns are asked for. */
async function judgeRefusals(
  tools: MemberTools,
  members: Membership[],
  refused: Refused[],
  answers: MemberAnswer[],
  othersPass: boolean,
): Promise<void> {
  if (refused.length === 0) return;
  const unclear = refused.filter(({ error }) => ABOUT_A_REFERENCE.has(error.code) && !ofPerson(error) && !ofCampaign(error));
  const campaigns = [...new Set(unclear.map(({ index }) => members[index]!.campaign))];
  const there = new Set(campaigns.length > 0 ? await campaignsThere(tools, campaigns) : []);
  for (const { index, error, record } of refused) {
    const { campaign } = members[index]!;
    const refusal = recordError(error, record);
    if (RULES.has(error.code)) answers[index] = { campaign: error.code, answer: refusal.answer ?? error.code };
    else if (!ABOUT_A_REFERENCE.has(error.code)) answers[index] = tools.causes.judge('member', refusal, othersPass);
    else if (ofCampaign(error) || (!ofPerson(error) && !there.has(campaign))) answers[index] = { campaign: error.code };
    else answers[index] = { person: movedError(error, refusal.answer) };
  }
}

function ofCampaign({ code, fields }: ApiError): boolean {
  // The person was found a moment ago by this user, so it is the Campaign that may not be used.
  return fields.includes('CampaignId') || (NO_ACCESS.has(code) && fields.length === 0);
}

function ofPerson({ code, fields }: ApiError): boolean {
  return code === 'CANNOT_UPDATE_CONVERTED_LEAD' || fields.includes('LeadId') || fields.includes('ContactId');
}

function movedError({ code }: ApiError, answer = code): AppError {
  return new AppError('CRM_RECORD_BUSY', `The record changed in Salesforce while its membership was written (${code}).`, {
    answer,
  });
}

async function campaignsThere({ client, apiVersion }: MemberTools, ids: string[]): Promise<string[]> {
  const [found = []] = await queryTogether(client, apiVersion, z.object({ Id: recordIdSchema }), [
    soql`SELECT Id FROM Campaign WHERE Id IN ${ids}`,
  ]);
  return found.map(({ Id }) => Id);
}

async function findExisting(
  tools: MemberTools,
  members: Membership[],
  inserted: Inserted[],
  existing: number[],
  answers: MemberAnswer[],
): Promise<void> {
  if (existing.length === 0) return;
  const campaigns = [...new Set(existing.map((index) => members[index]!.campaign))];
  const idsOf = (object: Target['object']) => [
    ...new Set(existing.flatMap((index) => (members[index]!.target.object === object ? [members[index]!.target.id] : []))),
  ];
  const [leads, contacts] = [idsOf('Lead'), idsOf('Contact')];
  const found = await queryTogether(tools.client, tools.apiVersion, memberSchema, [
    ...(leads.length > 0 ? [MEMBER_FIELDS + soql` WHERE CampaignId IN ${campaigns} AND LeadId IN ${leads}`] : []),
    ...(contacts.length > 0 ? [MEMBER_FIELDS + soql` WHERE CampaignId IN ${campaigns} AND ContactId IN ${contacts}`] : []),
  ]);
  const byPlace = new Map(
    found
      .flat()
      .flatMap((record) => [record.LeadId, record.ContactId].map((person) => [`${person} ${record.CampaignId}`, record])),
  );
  const raised: { index: number; member: FoundMember }[] = [];
  const statuses = await statusesOf(
    tools,
    existing.map((index) => members[index]!),
  );
  for (const index of existing) {
    const { target, campaign, fields } = members[index]!;
    const member = byPlace.get(`${target.id} ${campaign}`);
    if (!member) {
      answers[index] = hidden(inserted[index]!);
      continue;
    }
    answers[index] = shown(members[index]!, member, 'there-already', []);
    const mapped = fields['Status'];
    if (member.HasResponded !== true && isResponse(statuses.get(campaign), mapped) && !sameLabel(member.Status, mapped))
      raised.push({ index, member });
  }
  await raiseStatuses(tools, members, raised, answers);
}

/** The membership is there, and the integration user may not see it. */
function hidden({ record, result }: Inserted): WrittenMember {
  const id = /\b00v[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?\b/.exec(errorOf(result)?.message ?? '')?.[0] ?? null;
  const { CampaignId, LeadId, ContactId } = record;
  const fields = auditFields(LeadId === undefined ? { CampaignId, ContactId } : { CampaignId, LeadId });
  return { id, answer: 'there-already', fields, notes: ['Salesforce says that the membership exists, and does not show it.'] };
}

async function statusesOf({ statuses }: MemberTools, members: Membership[]) {
  return statuses.of(members.filter(({ fields }) => 'Status' in fields).map(({ campaign }) => campaign));
}

async function raiseStatuses(
  tools: MemberTools,
  members: Membership[],
  raised: { index: number; member: FoundMember }[],
  answers: MemberAnswer[],
): Promise<void> {
  if (raised.length === 0) return;
  const records = raised.map(({ index, member }) => ({ Id: member.Id, Status: members[index]!.fields['Status'] }));
  const results = await writeInParts(tools, { method: 'PATCH', object: 'CampaignMember', records });
  raised.forEach(({ index, member }, place) => {
    const result = results[place]!;
    if (result instanceof AppError) answers[index] = result;
    else if ('id' in result)
      answers[index] = shown(members[index]!, { ...member, Status: String(records[place]!.Status) }, 'status-raised', []);
    else if (isLock(result.error)) answers[index] = recordError(result.error, records[place]!);
    else
      answers[index] = shown(members[index]!, member, 'there-already', [
        `The member's status could not be raised (${result.error.code}).`,
      ]);
  });
}

/** Salesforce replaces a status that the campaign does not have by the default one, without an error. */
async function showStatuses(tools: MemberTools, members: Membership[], answers: MemberAnswer[]): Promise<void> {
  const written = answers.flatMap((answer, index) =>
    !(answer instanceof AppError) &&
    'id' in answer &&
    answer.id !== null &&
    answer.answer !== 'there-already' &&
    'Status' in members[index]!.fields
      ? [{ index, id: answer.id }]
      : [],
  );
  if (written.length === 0) return;
  const ids = written.map(({ id }) => id);
  const [found = []] = await queryTogether(tools.client, tools.apiVersion, memberSchema, [
    MEMBER_FIELDS + soql` WHERE Id IN ${ids}`,
  ]);
  const byId = new Map(found.map((member) => [member.Id, member]));
  for (const { index, id } of written) {
    const { fields } = members[index]!;
    const { answer, notes } = answers[index] as WrittenMember;
    const member = byId.get(id);
    if (!member) continue;
    const note = `Salesforce has the member status "${member.Status ?? ''}": the campaign does not have "${String(fields['Status'])}".`;
    answers[index] = shown(
      members[index]!,
      member,
      answer,
      sameLabel(member.Status, fields['Status']) ? notes : [...notes, note],
    );
  }
}

function shown(membership: Membership, member: FoundMember, answer: WrittenMember['answer'], notes: string[]): WrittenMember {
  const { Status, ...record } = recordOf({ membership, fields: membership.fields });
  const sent = answer === 'there-already' ? { CampaignId: record['CampaignId'], ...personOf(membership) } : record;
  // An existing member's status is what people want to know, whether it is mapped or not.
  const status = Status === undefined && answer !== 'there-already' ? {} : { Status: member.Status };
  return { id: member.Id, answer, fields: auditFields({ ...sent, ...status }), notes };
}

function personOf({ target }: Membership): Record<string, string> {
  return { [target.object === 'Lead' ? 'LeadId' : 'ContactId']: target.id };
}
