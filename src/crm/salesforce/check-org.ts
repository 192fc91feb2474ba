import type { CrmCheck, CrmCheckLine, PersonProjection } from '../port.js';
import { CAMPAIGN_KEY_FIELD } from './campaigns.js';
import { leadFieldsOf, PERSON_KEY_FIELD, VERSION_FIELD, type FieldMap, type FieldValue, type FieldValues } from './field-map.js';
import type { OrgField } from './org-schema.js';

type Fields = Map<string, OrgField>;

const NUMBERS = new Set(['int', 'long', 'double', 'currency', 'percent']);
/** Set by the org itself or by rules; nobody fills them through the API. */
const FILLED_BY_THE_ORG = new Set(['ownerid', 'status', 'isconverted', 'isunreadbyowner']);

/** Why the org would refuse these values, or cut them; empty where it would take them as they are. */
export function problemsOf(values: FieldValues, fields: Fields, act: 'create' | 'update'): string[] {
  const problems = Object.entries(values).flatMap(([name, value]) => {
    const field = fields.get(name.toLowerCase());
    const problem = field
      ? problemOf(value, field, act)
      : 'the org has no such field, or does not show it to the integration user';
    return problem ? [`${name}: ${problem}`] : [];
  });
  return act === 'create' ? [...problems, ...unfilled(values, fields)] : problems;
}

function problemOf(value: FieldValue, field: OrgField, act: 'create' | 'update'): string | null {
  if (act === 'create' ? !field.createable : !field.updateable) return `the integration user may not ${act} it`;
  if (NUMBERS.has(field.type) && typeof value !== 'number') return `is a number (${field.type}) in the org`;
  if (field.type === 'boolean' && typeof value !== 'boolean') return 'is a checkbox in the org: use the transform "boolean"';
  if ((field.type === 'date' || field.type === 'datetime') && Number.isNaN(Date.parse(String(value))))
    return `is no ${field.type}`;
  if (field.restrictedPicklist && !field.picklistValues.some((choice) => choice.active && choice.value === String(value))) {
    return `is not one of the values of the restricted picklist`;
  }
  if (typeof value === 'string' && field.length > 0 && value.length > field.length) {
    return `is longer than the ${field.length} characters of the field${field.type === 'email' ? '' : ', and will be cut'}`;
  }
  return null;
}

function unfilled(values: FieldValues, fields: Fields): string[] {
  const filled = new Set(Object.keys(values).map((name) => name.toLowerCase()));
  return [...fields.values()]
    .filter((field) => field.createable && !field.nillable && !field.defaultedOnCreate && field.type !== 'boolean')
    .filter(({ name }) => !filled.has(name.toLowerCase()) && !FILLED_BY_THE_ORG.has(name.toLowerCase()))
    .map(({ name }) => `${name}: the org requires it, and nothing fills it`);
}

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

/** Compares the field map with the org, field by field. */
export async function checkOrg(
  map: FieldMap,
  describe: (object: 'Lead' | 'Campaign' | 'CampaignMember') => Promise<Fields>,
): Promise<CrmCheck> {
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
    ...map.campaignMember.map((rule) => lineOf(`CampaignMember.${rule.to}`, sourceOf(rule), member.get(rule.to.toLowerCase()))),
    membershipLine(member),
    campaignLine(campaign),
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
  const right = field !== undefined && NUMBERS.has(field.type);
  return {
    subject: `Lead.${VERSION_FIELD}`,
    from: 'version',
    verdict: right ? 'ok' : 'problem',
    detail: right ? 'orders two writes, together with the validation rule of salesforce/' : 'must be a number of 18 digits',
  };
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
