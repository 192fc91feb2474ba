import { z } from 'zod';
import { whole, oneOf, url, type Variable } from './variable.js';

/** Statuses that Salesforce gives new orgs, of the older and of the newer default process. */
const DEFAULT_STATUSES = JSON.stringify({
  'Working - Contacted': 'touched',
  Contacted: 'touched',
  Working: 'touched',
  Nurturing: 'touched',
  Qualified: 'qualified',
  'Closed - Not Converted': 'disqualified',
  Unqualified: 'disqualified',
});

const NO_STATUSES = 'must be a JSON object from statuses to touched, qualified or disqualified';
const statusKinds = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: NO_STATUSES });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.enum(['touched', 'qualified', 'disqualified'], { error: NO_STATUSES }), { error: NO_STATUSES }));

/** The CRM, and what it says about leads later. */
export const CRM_VARIABLES = {
  CRM_PROVIDER: {
    schema: z.string(),
    about: 'The CRM that leads are written to.',
    mock: 'postgres',
    real: 'salesforce',
  },
  CRM_SHADOW: {
    schema: oneOf(['salesforce']),
    about: 'A second CRM that is checked or written beside CRM_PROVIDER=postgres before a cut-over; its failures block no lead.',
    mock: undefined,
    real: undefined,
  },
  CRM_SHADOW_MODE: {
    schema: oneOf(['validate', 'write']),
    about: 'What CRM_SHADOW does: look each person up and check the record without writing (validate), or write it there too.',
    mock: 'validate',
    real: 'validate',
  },
  SALESFORCE_LOGIN_URL: {
    schema: url(['http:', 'https:']),
    about: "Where Salesforce issues tokens: https://login.salesforce.com, https://test.salesforce.com or the org's My Domain.",
    mock: undefined,
    real: undefined,
    example: 'https://example.my.salesforce.com',
  },
  SALESFORCE_CLIENT_ID: {
    schema: z.string(),
    about: 'The consumer key of the app in Salesforce. Required with CRM_PROVIDER=salesforce, as is the login URL.',
    mock: undefined,
    real: undefined,
  },
  SALESFORCE_CLIENT_SECRET: {
    schema: z.string(),
    about: "The app's consumer secret, for the client credentials flow.",
    mock: undefined,
    real: undefined,
    secret: true,
  },
  SALESFORCE_PRIVATE_KEY: {
    schema: z.string().transform((pem) => pem.replaceAll('\\n', '\n')),
    about: 'Instead of the secret, for the JWT bearer flow: an RSA private key in PEM; line breaks may be written as \\n.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  SALESFORCE_USERNAME: {
    schema: z.string(),
    about: 'The integration user, with SALESFORCE_PRIVATE_KEY.',
    mock: undefined,
    real: undefined,
  },
  SALESFORCE_API_VERSION: {
    schema: z.string().regex(/^\d{2}\.0$/, 'must look like 62.0'),
    about: "The version of Salesforce's API.",
    mock: '62.0',
    real: '62.0',
  },
  SALESFORCE_FIELD_MAP: {
    schema: z.string(),
    about:
      'A JSON file that maps fields of a lead to fields of Salesforce. `npx revenueflow crm check` compares it with the org.',
    mock: undefined,
    real: undefined,
    mockNote: 'src/crm/salesforce/default-field-map.json',
    realNote: 'src/crm/salesforce/default-field-map.json',
  },
  SALESFORCE_CAMPAIGN_MAP: {
    schema: z.string(),
    about: "A JSON file that maps Marketo's campaign ids to Campaigns (701…). Others are looked up by RF_Campaign_Key__c.",
    mock: undefined,
    real: undefined,
  },
  SALESFORCE_MATCH: {
    schema: oneOf(['leads-and-contacts', 'leads', 'none']),
    about:
      'Where an address is looked for before a Lead is created. A Contact that has it gets the membership, and no Lead is made.',
    mock: 'leads-and-contacts',
    real: 'leads-and-contacts',
  },
  SALESFORCE_ASSIGN: {
    schema: oneOf(['on', 'off']),
    about: "Whether the org's assignment rules run for new Leads. They never run on an update.",
    mock: 'on',
    real: 'on',
  },
  SALESFORCE_ON_DUPLICATE: {
    schema: oneOf(['dead-letter', 'membership']),
    about:
      "What becomes of a lead that Salesforce takes for another person's record: a dead letter, or that record gets the membership. The record itself is never changed.",
    mock: 'dead-letter',
    real: 'dead-letter',
  },
  SALESFORCE_REFUSED_FIELDS: {
    schema: oneOf(['leave-out', 'dead-letter']),
    about:
      'What becomes of a lead with a value that the org refuses in an optional field: the Lead is written without the field, or it is a dead letter.',
    mock: 'leave-out',
    real: 'leave-out',
  },
  SALESFORCE_ERASE: {
    schema: oneOf(['delete', 'anonymise']),
    about: 'Whether an erasure deletes the Lead in Salesforce or empties its fields.',
    mock: 'delete',
    real: 'delete',
  },
  SALESFORCE_API_SLOW_PERCENT: {
    schema: whole(1, 100),
    about: "The share of the org's daily API calls, of all integrations, from which this service slows down.",
    mock: '80',
    real: '80',
  },
  SALESFORCE_API_STOP_PERCENT: {
    schema: whole(1, 100),
    about: 'The share at which it stops and leaves the rest to other integrations; leads wait until the 24-hour window moves on.',
    mock: '95',
    real: '95',
  },
  SALESFORCE_TIMEOUT_MS: {
    schema: whole(100, 120_000),
    about: 'How long one call of Salesforce may take, in milliseconds.',
    mock: '20000',
    real: '20000',
  },
  CRM_CONCURRENCY: {
    schema: whole(1, 5000),
    about: 'Leads in flight to the CRM, of all workers together.',
    mock: '400',
    real: '400',
  },
  CRM_RATE_LIMIT_PER_SECOND: {
    schema: whole(1, 10_000),
    about: 'CRM API calls per second, of all workers together; one call may carry many leads. The mock CRM has no API.',
    mock: '20',
    real: '20',
  },
  CRM_BATCH_SIZE: {
    schema: whole(1, 200),
    about: 'Records that share one API call to the CRM.',
    mock: '200',
    real: '200',
  },
  CRM_BATCH_WINDOW_MS: {
    schema: whole(0, 10_000),
    about:
      "The batching window of an API call, in milliseconds; up to four times as long while leads keep arriving, and up to a second while the queue has more. It grows up to a sixtieth of the SLA with the share of the day's API calls that is used. 0 turns it off.",
    mock: '25',
    real: '25',
  },
  OUTCOMES_POLL_SECONDS: {
    schema: whole(0, 86_400),
    about:
      'How often Salesforce is asked what became of leads, in seconds; 0 turns it off. Other CRMs are not asked. It costs one or two API calls each time.',
    mock: '300',
    real: '300',
  },
  OUTCOMES_STATUSES: {
    schema: statusKinds,
    about:
      'JSON: which Lead statuses mean touched, qualified or disqualified. It replaces the default; statuses that it does not name mean nothing.',
    mock: DEFAULT_STATUSES,
    real: DEFAULT_STATUSES,
    example: '{"Contacted":"touched","Sales Accepted":"qualified","Junk":"disqualified"}',
  },
  OUTCOMES_HORIZON_DAYS: {
    schema: whole(1, 730),
    about: 'How long after its first sync a lead may convert, in days. Reports and calibrations leave younger leads out.',
    mock: '90',
    real: '90',
  },
} as const satisfies Record<string, Variable>;
