import type { ObjectName } from './ids.js';

export type FieldType =
  | 'id'
  | 'string'
  | 'email'
  | 'phone'
  | 'url'
  | 'picklist'
  | 'textarea'
  | 'double'
  | 'int'
  | 'boolean'
  | 'datetime'
  | 'date'
  | 'reference';

/** A field as in describe. */
export interface FieldSpec {
  name: string;
  label: string;
  type: FieldType;
  /** Characters; 0 where the type has no length. */
  length: number;
  precision: number;
  scale: number;
  nillable: boolean;
  createable: boolean;
  updateable: boolean;
  defaultedOnCreate: boolean;
  filterable: boolean;
  externalId: boolean;
  unique: boolean;
  caseSensitive: boolean;
  picklist: string[];
  restrictedPicklist: boolean;
  referenceTo: string[];
  relationshipName: string | null;
  custom: boolean;
}

/**
 * Whether an upsert may use the field as its key: an external id, or the e-mail of a Lead or Contact, which is not
 * unique.
 */
export const isLookup = (spec: FieldSpec): boolean => spec.externalId || spec.type === 'email';

const BASE: Omit<FieldSpec, 'name' | 'label' | 'type'> = {
  length: 0,
  precision: 0,
  scale: 0,
  nillable: true,
  createable: true,
  updateable: true,
  defaultedOnCreate: false,
  filterable: true,
  externalId: false,
  unique: false,
  caseSensitive: false,
  picklist: [],
  restrictedPicklist: false,
  referenceTo: [],
  relationshipName: null,
  custom: false,
};

export const field = (name: string, type: FieldType, more: Partial<FieldSpec> = {}): FieldSpec => ({
  ...BASE,
  name,
  label: name.replace(/Id$/, ' ID').replace(/([a-z])([A-Z])/g, '$1 $2'),
  type,
  ...(type === 'id' || type === 'reference' ? { length: 18 } : {}),
  ...more,
});

const text = (name: string, length: number, more: Partial<FieldSpec> = {}) => field(name, 'string', { length, ...more });
const SYSTEM = { createable: false, updateable: false } as const;
const REQUIRED = { nillable: false } as const;
const toOne = (name: string, object: string, more: Partial<FieldSpec> = {}) =>
  field(name, 'reference', { referenceTo: [object], relationshipName: name.replace(/Id$/, ''), ...more });

const EVERY_OBJECT: FieldSpec[] = [
  field('Id', 'id', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  field('IsDeleted', 'boolean', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  field('CreatedDate', 'datetime', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  field('LastModifiedDate', 'datetime', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  field('SystemModstamp', 'datetime', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
];

const PERSON: FieldSpec[] = [
  toOne('MasterRecordId', 'Lead', { ...SYSTEM }),
  text('LastName', 80, REQUIRED),
  text('FirstName', 40),
  field('Salutation', 'picklist', { length: 40, picklist: ['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.', 'Mx.'] }),
  text('Name', 121, { ...SYSTEM, nillable: false }),
  text('Title', 128),
  field('Email', 'email', { length: 80 }),
  field('Phone', 'phone', { length: 40 }),
  field('MobilePhone', 'phone', { length: 40 }),
  field('Description', 'textarea', { length: 32_000, filterable: false }),
  field('LeadSource', 'picklist', {
    length: 255,
    picklist: ['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other'],
  }),
  field('HasOptedOutOfEmail', 'boolean', { nillable: false, defaultedOnCreate: true }),
  field('DoNotCall', 'boolean', { nillable: false, defaultedOnCreate: true }),
  toOne('OwnerId', 'User', { nillable: false, defaultedOnCreate: true }),
];

const LEAD: FieldSpec[] = [
  ...PERSON,
  text('Company', 255, REQUIRED),
  field('Street', 'textarea', { length: 255 }),
  text('City', 40),
  text('State', 80),
  text('PostalCode', 20),
  text('Country', 80),
  field('Website', 'url', { length: 255 }),
  field('Industry', 'picklist', { length: 255, picklist: ['Banking', 'Consulting', 'Manufacturing', 'Technology', 'Other'] }),
  field('NumberOfEmployees', 'int', { precision: 8 }),
  field('AnnualRevenue', 'double', { precision: 18, scale: 0 }),
  field('Rating', 'picklist', { length: 255, picklist: ['Hot', 'Warm', 'Cold'] }),
  field('Status', 'picklist', {
    length: 255,
    nillable: false,
    defaultedOnCreate: true,
    picklist: ['Open - Not Contacted', 'Working - Contacted', 'Closed - Converted', 'Closed - Not Converted'],
  }),
  field('IsConverted', 'boolean', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  field('ConvertedDate', 'date', SYSTEM),
  toOne('ConvertedAccountId', 'Account', SYSTEM),
  toOne('ConvertedContactId', 'Contact', SYSTEM),
  toOne('ConvertedOpportunityId', 'Opportunity', SYSTEM),
];

const CONTACT: FieldSpec[] = [...PERSON, toOne('AccountId', 'Account'), text('MailingCity', 40), text('MailingCountry', 80)];

const CAMPAIGN: FieldSpec[] = [
  text('Name', 80, REQUIRED),
  field('Type', 'picklist', { length: 255, picklist: ['Webinar', 'Email', 'Advertisement', 'Other'] }),
  field('Status', 'picklist', { length: 255, picklist: ['Planned', 'In Progress', 'Completed', 'Aborted'] }),
  field('IsActive', 'boolean', { nillable: false, defaultedOnCreate: true }),
  field('StartDate', 'date'),
  field('EndDate', 'date'),
  field('Description', 'textarea', { length: 32_000, filterable: false }),
  toOne('OwnerId', 'User', { nillable: false, defaultedOnCreate: true }),
];

const CAMPAIGN_MEMBER: FieldSpec[] = [
  toOne('CampaignId', 'Campaign', { updateable: false, nillable: false }),
  toOne('LeadId', 'Lead', { updateable: false }),
  toOne('ContactId', 'Contact', { updateable: false }),
  field('Status', 'picklist', { length: 40, defaultedOnCreate: true, picklist: ['Sent', 'Responded'] }),
  field('HasResponded', 'boolean', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  field('FirstRespondedDate', 'date', SYSTEM),
];

const CAMPAIGN_MEMBER_STATUS: FieldSpec[] = [
  toOne('CampaignId', 'Campaign', { updateable: false, nillable: false }),
  text('Label', 100, REQUIRED),
  field('HasResponded', 'boolean', { nillable: false, defaultedOnCreate: true }),
  field('IsDefault', 'boolean', { nillable: false, defaultedOnCreate: true }),
];

const OPPORTUNITY: FieldSpec[] = [
  text('Name', 120, REQUIRED),
  field('StageName', 'picklist', {
    length: 255,
    nillable: false,
    picklist: ['Prospecting', 'Qualification', 'Negotiation/Review', 'Closed Won', 'Closed Lost'],
  }),
  field('Amount', 'double', { precision: 18, scale: 2 }),
  field('CloseDate', 'date', REQUIRED),
  field('IsClosed', 'boolean', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  field('IsWon', 'boolean', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  toOne('OwnerId', 'User', { nillable: false, defaultedOnCreate: true }),
];

const ACCOUNT: FieldSpec[] = [
  text('Name', 255, REQUIRED),
  field('Type', 'picklist', { length: 255, picklist: ['Prospect', 'Customer - Direct', 'Other'] }),
  field('Industry', 'picklist', { length: 255, picklist: ['Banking', 'Technology', 'Other'] }),
  field('Website', 'url', { length: 255 }),
  toOne('ParentId', 'Account'),
  toOne('OwnerId', 'User', { nillable: false, defaultedOnCreate: true }),
];

const USER: FieldSpec[] = [
  text('Name', 121, REQUIRED),
  field('Email', 'email', { length: 128, nillable: false }),
  field('IsActive', 'boolean', { nillable: false, defaultedOnCreate: true }),
  toOne('ManagerId', 'User'),
  field('TimeZoneSidKey', 'picklist', { length: 40, picklist: ['Europe/Berlin', 'America/New_York'] }),
];

const ACTIVITY: FieldSpec[] = [
  text('Subject', 255),
  toOne('WhoId', 'Lead'),
  toOne('CreatedById', 'User', { ...SYSTEM, nillable: false, defaultedOnCreate: true }),
  toOne('OwnerId', 'User', { nillable: false, defaultedOnCreate: true }),
];

const TASK: FieldSpec[] = [
  ...ACTIVITY,
  field('Status', 'picklist', { length: 255, picklist: ['Not Started', 'In Progress', 'Completed'] }),
];

const restricted = (picklist: string[]): Partial<FieldSpec> => ({ length: 255, picklist, restrictedPicklist: true });
const own = (spec: FieldSpec, label: string): FieldSpec => ({ ...spec, label, custom: true });

/** The fields that the package in salesforce/ adds to an org; a test compares the two. */
export const CUSTOM_FIELDS: Partial<Record<ObjectName, FieldSpec[]>> = {
  Lead: [
    own(text('RF_Person_Key__c', 64, { externalId: true, unique: true }), 'Person Key'),
    own(field('RF_Version__c', 'double', { precision: 18, scale: 0 }), 'Score Version'),
    own(field('RF_Fit_Score__c', 'double', { precision: 3, scale: 0 }), 'Fit Score'),
    own(field('RF_Intent__c', 'picklist', restricted(['high', 'medium', 'low', 'none', 'unknown'])), 'Buying Intent'),
    own(field('RF_Reasoning__c', 'textarea', { length: 1000, filterable: false }), 'Score Reasoning'),
    own(field('RF_Score_Source__c', 'picklist', restricted(['ai', 'heuristic', 'fallback'])), 'Score Source'),
    own(text('RF_Source_Campaign__c', 255), 'Source Campaign'),
    own(field('RF_Received_At__c', 'datetime'), 'Received At'),
  ],
  Campaign: [own(text('RF_Campaign_Key__c', 255, { externalId: true, unique: true, caseSensitive: true }), 'Campaign Key')],
};

/** The objects of a new org, with or without the package. */
export function standardSchema(withPackage: boolean): Record<ObjectName, Map<string, FieldSpec>> {
  const standard: Record<ObjectName, FieldSpec[]> = {
    Lead: LEAD,
    Contact: CONTACT,
    Campaign: CAMPAIGN,
    CampaignMember: CAMPAIGN_MEMBER,
    CampaignMemberStatus: CAMPAIGN_MEMBER_STATUS,
    Opportunity: OPPORTUNITY,
    Account: ACCOUNT,
    User: USER,
    Task: TASK,
    Event: ACTIVITY,
  };
  const of = (name: ObjectName) =>
    new Map(
      [...EVERY_OBJECT, ...standard[name], ...(withPackage ? (CUSTOM_FIELDS[name] ?? []) : [])].map((spec) => [
        spec.name,
        { ...spec },
      ]),
    );
  return {
    Lead: of('Lead'),
    Contact: of('Contact'),
    Campaign: of('Campaign'),
    CampaignMember: of('CampaignMember'),
    CampaignMemberStatus: of('CampaignMemberStatus'),
    Opportunity: of('Opportunity'),
    Account: of('Account'),
    User: of('User'),
    Task: of('Task'),
    Event: of('Event'),
  };
}
