import type { CrmCheck, CrmCheckLine, PersonProjection } from '../port.js';
import { CAMPAIGN_KEY_FIELD } from './campaigns.js';
import { problemOf, unfilled, type Fields } from './check-fields.js';
import { memberStatusLines, type StatusTools } from './check-statuses.js';
import { leadFieldsOf, PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap, type FieldValue } from './field-map.js';
import { NUMBER_TYPES } from './fitting-value.js';
import type { MatchScope } from './match.js';
import type { OrgField } from './org-schema.js';
import { fieldsFromAttributes } from './person-record.js';

const SAMPLE: PersonProjection = {
  lead: {
    id: '00000000-0000-8000-8000-000000000000',
    personKey: '0'.repeat(64),
    email: 'sample.person@example.com',
    emailRaw: 'sample.person@example.com',
    campaignId: 'sample-campaign',
    name: 'Sample Person',
    attributes: { company: 'Example Ltd', title: 'Head of Samples', phone: '+1 555 0100', message: 'A sample message.' },
    revision: 1,
  },
  enrichment: {
    fitScore: 80,
    intent: 'high',
    confidence: 0.8,
    evidence: [{ signal: 'a sample signal', polarity: 'positive' }],
    reasoning: 'A sample of the sentence that sales will read.',
    scoreSource: 'ai',
    needsRescore: false,
    flags: [],
    provider: 'sample',
    scorerVersion: 'sample',
  },
  version: 1_764_000_000_000_000,
};

export interface CheckTools extends StatusTools {
  leaveOut: boolean;
  match: MatchScope;
}

/** Compares the field map with the org, field by field, and the mapped member statuses with those of its campaigns. */
export async function checkOrg(
  tools: CheckTools,
  describe: (object: 'Lead' | 'Campaign' | 'CampaignMember') => Promise<Fields>,
): Promise<CrmCheck> {
  const { map } = tools;
  const [lead, campaign, member] = await Promise.all([describe('Lead'), describe('Campaign'), describe('CampaignMember')]);
  const sample = leadFieldsOf(map, SAMPLE, 'create');
  const sources = new Map(map.lead.map((rule) => [rule.to, sourceOf(rule)]));
  const lines: CrmCheckLine[] = [
    ...Object.entries(sample).map(([name, value]) =>
      lineOf(`Lead.${name}`, sources.get(name) ?? 'this service', lead.get(name.toLowerCase()), value),
    ),
    // Rules whose source the sample has not: their field must be there all the same.
    ...map.lead
      .filter(({ to }) => !(to in sample))
      .map((rule) => lineOf(`Lead.${rule.to}`, sourceOf(rule), lead.get(rule.to.toLowerCase()))),
    ...unfilled(sample, lead).map((problem): CrmCheckLine => {
      const [name, detail] = problem.split(': ', 2) as [string, string];
      return { subject: `Lead.${name}`, from: '', verdict: 'problem', detail };
    }),
    keyLine('Lead', PERSON_KEY_FIELD, lead),
    versionLine(lead),
    ...addressLines(tools.match, lead),
    ...map.campaignMember.map((rule) => lineOf(`CampaignMember.${rule.to}`, sourceOf(rule), member.get(rule.to.toLowerCase()))),
    membershipLine(member),
    campaignLine(campaign),
    ...picklistLines(tools, lead),
    ...(await memberStatusLines(tools, campaign.has(CAMPAIGN_KEY_FIELD.toLowerCase()))),
  ];
  return { lines, sample };
}

function sourceOf({ from, constant }: FieldMap['lead'][number]): string {
  return constant === undefined ? [from].flat().join(' or ') : `"${constant}"`;
}

function lineOf(subject: string, from: string, field: OrgField | undefined, value?: FieldValue): CrmCheckLine {
  if (!field)
    return {
      subject,
      from,
      verdict: 'problem',
      detail: 'the org has no such field, or does not show it to the integration user',
    };
  const type = field.length > 0 ? `${field.type}(${field.length})` : field.type;
  if (!field.createable) return { subject, from, verdict: 'problem', detail: `${type}: the integration user may not write it` };
  const problem = value === undefined ? null : problemOf(value, field, 'create');
  if (problem) return { subject, from, verdict: 'problem', detail: `${type}: ${problem}` };
  return { subject, from, verdict: 'ok', detail: type };
}

function keyLine(object: string, name: string, fields: Fields): CrmCheckLine {
  const subject = `${object}.${name}`;
  const field = fields.get(name.toLowerCase());
  const right = field?.externalId && field.unique;
  return {
    subject,
    from: 'person key',
    verdict: right ? 'ok' : 'problem',
    detail: right ? 'external id, unique' : 'must be an external id and unique, or one person becomes several Leads',
  };
}

function versionLine(fields: Fields): CrmCheckLine {
  const field = fields.get(VERSION_FIELD.toLowerCase());
  const right = field !== undefined && NUMBER_TYPES.has(field.type);
  return {
    subject: `Lead.${VERSION_FIELD}`,
    from: 'version',
    verdict: right ? 'ok' : 'problem',
    detail: right ? 'orders two writes, together with the validation rule of salesforce/' : 'must be a number of 18 digits',
  };
}

/** Leads are looked for by their address, which an encrypted field does not allow. */
function addressLines(match: MatchScope, fields: Fields): CrmCheckLine[] {
  if (match === 'none' || fields.get('email')?.filterable !== false) return [];
  const detail = 'cannot be searched, as where it is encrypted: choose deterministic encryption, or set SALESFORCE_MATCH=none';
  return [{ subject: 'Lead.Email', from: 'SALESFORCE_MATCH', verdict: 'problem', detail }];
}

function membershipLine(fields: Fields): CrmCheckLine {
  const right = ['campaignid', 'leadid', 'contactid'].every((name) => fields.get(name)?.createable);
  return {
    subject: 'CampaignMember',
    from: 'membership',
    verdict: right ? 'ok' : 'problem',
    detail: right ? 'may be created' : 'the integration user may not create members: is it a Marketing User?',
  };
}

function campaignLine(fields: Fields): CrmCheckLine {
  const found = fields.has(CAMPAIGN_KEY_FIELD.toLowerCase());
  return {
    subject: `Campaign.${CAMPAIGN_KEY_FIELD}`,
    from: 'campaign id',
    verdict: found ? 'ok' : 'warning',
    detail: found ? 'Campaigns are found by it' : 'missing: only campaigns of SALESFORCE_CAMPAIGN_MAP are found',
  };
}

/** Fields that take a fixed set of values, and are filled with whatever people type. */
function picklistLines({ map, leaveOut }: CheckTools, lead: Fields): CrmCheckLine[] {
  const becomes = leaveOut ? 'the field is left out then' : 'the lead becomes a dead letter then';
  return fieldsFromAttributes(map).flatMap((name): CrmCheckLine[] => {
    const field = lead.get(name.toLowerCase());
    const rule = map.lead.find(({ to }) => to === name)!;
    const code = lead.has(`${name.toLowerCase()}code`) && /^(?:state|country)$/i.test(name);
    if (!field?.restrictedPicklist && !code) return [];
    const kind = code ? 'State and Country/Territory picklists are on' : 'a restricted picklist';
    const detail = `${kind}: Salesforce refuses values that it lacks, and ${becomes}. Map them with "values"`;
    return [{ subject: `Lead.${name}`, from: sourceOf(rule), verdict: 'warning', detail }];
  });
}
