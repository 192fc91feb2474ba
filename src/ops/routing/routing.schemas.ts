import { z } from 'zod';
import { apiSchema } from '../../platform/http/api-operation.js';
import { countSchema, nextCursorSchema, pageShape, timeSchema } from '../../platform/http/field-schemas.js';

const LEAD_ID = 'd36df24a-2d54-8daa-8bb1-6ea7e2b74160';
const version = z.int().min(1);
const rulesDocument = z.record(z.string(), z.unknown()).describe('Rules as docs/routing-rules.schema.json describes them.');

const step = z.object({
  name: z.string(),
  outcome: z.enum(['chosen', 'matched', 'no-match', 'missing-data', 'skipped', 'none-eligible']),
  why: z.string(),
});
const ownerSchema = z
  .object({
    rep: z.string().nullable().describe('Null for a queue and for an owner whom the rules do not name.'),
    crmUserId: z.string(),
  })
  .nullable()
  .describe('Null where no rep may own the lead: the CRM assigns it.');

const decisionShape = {
  owner: ownerSchema,
  rule: z.string(),
  pool: z.string().nullable(),
  steps: z.array(step).describe('What was tried, in order.'),
};
const exampleDecision = {
  owner: { rep: 'ann', crmUserId: '005000000000001AAA' },
  rule: 'German-speaking',
  pool: 'emea',
  steps: [
    { name: 'matched account', outcome: 'no-match', why: 'no account has the domain of the lead' },
    { name: 'German-speaking', outcome: 'matched', why: 'attributes.country is one of DE, AT, CH' },
    { name: 'pool emea', outcome: 'chosen', why: 'it is the turn of ann (weight 2 of 3)' },
  ],
};

export const simulateBodySchema = apiSchema(
  'RoutingSimulationRequest',
  z.strictObject({
    lead: z.record(z.string(), z.unknown()).describe('A lead as POST /leads takes it.'),
    at: timeSchema.optional().describe('When the lead comes in; default: now.'),
    version: version.optional().describe('Of the rules; default: the active one.'),
  }),
  { lead: { email: 'lead@enterprise.com', campaign_id: 'launch_2024', country: 'DE' } },
);
export const simulationSchema = apiSchema('RoutingSimulation', z.object(decisionShape), exampleDecision);

const assignmentShape = {
  ...decisionShape,
  rulesVersion: version,
  band: z.string().nullable(),
  decidedAt: timeSchema,
  writtenAt: timeSchema.nullable().describe('When the CRM was seen with this owner.'),
  endedAt: timeSchema.nullable(),
  endReason: z.string().nullable(),
};
const exampleAssignment = {
  ...exampleDecision,
  rulesVersion: 1,
  band: 'hot',
  decidedAt: '2026-11-24T03:52:54.250Z',
  writtenAt: '2026-11-24T03:52:54.286Z',
  endedAt: null,
  endReason: null,
};

/** As the journey of a lead shows it. */
export const leadRoutingSchema = z
  .object({ ...assignmentShape, earlier: z.array(z.object(assignmentShape)).describe('Decisions that have ended.') })
  .nullable()
  .describe('Who owns the lead by the routing rules, and why; null where they did not decide.');
export type LeadRouting = z.output<typeof leadRoutingSchema>;

export const decisionsQuerySchema = z.strictObject({
  ...pageShape,
  owner: z.string().max(100).optional().describe('A rep of the rules, or a user or queue of the CRM.'),
});
export const decisionPageSchema = apiSchema(
  'RoutingDecisionPage',
  z.object({ items: z.array(z.object({ id: z.string(), leadId: z.uuid(), ...assignmentShape })), nextCursor: nextCursorSchema }),
  { items: [{ id: '1', leadId: LEAD_ID, ...exampleAssignment }], nextCursor: null },
);

const member = z.object({
  rep: z.string(),
  crmUserId: z.string(),
  weight: z.number(),
  assigned: countSchema.describe('Leads from the pool.'),
  expected: z.number().describe('The share of the leads that the pool gave while the member was there.'),
  credit: z.number().describe('Leads that the member is owed; negative: had before its share was due.'),
  away: z.string().nullable().describe('Why it gets no lead now; null where it may.'),
});
const versionRow = z.object({ version, at: timeSchema, who: z.string(), note: z.string(), active: z.boolean() });
const absence = z.strictObject({
  from: z.string().max(30).describe('A local day, 2026-12-24, or a local time, 2026-12-24T13:00.'),
  to: z.string().max(30).describe('As `from`, included.'),
});

export const routingSchema = apiSchema(
  'Routing',
  z.object({
    on: z.boolean().describe('Whether ROUTING_RULES is set.'),
    version: version.nullable().describe('The active rules.'),
    ofFile: z.boolean().describe('Whether they are those of the file.'),
    pools: z.array(
      z.object({
        name: z.string(),
        next: z.string().nullable().describe('Who gets the next lead; null: no member is there.'),
        members: z.array(member),
      }),
    ),
    members: z.array(z.object({ rep: z.string(), crmUserId: z.string(), absences: z.array(absence), active: z.boolean() })),
    versions: z.array(versionRow).describe('The newest first; at most 50.'),
  }),
  {
    on: true,
    version: 1,
    ofFile: true,
    pools: [
      {
        name: 'emea',
        next: 'bo',
        members: [{ rep: 'bo', crmUserId: '005000000000002AAA', weight: 1, assigned: 3, expected: 3.3, credit: 0.3, away: null }],
      },
    ],
    members: [{ rep: 'bo', crmUserId: '005000000000002AAA', absences: [{ from: '2026-12-24', to: '2026-12-31' }], active: true }],
    versions: [{ version: 1, at: '2026-11-24T03:52:54.182Z', who: 'file', note: 'ROUTING_RULES', active: true }],
  },
);
export type RoutingOverview = z.output<typeof routingSchema>;

export const checkBodySchema = apiSchema('RoutingCheckRequest', z.strictObject({ rules: rulesDocument }), {
  rules: { reps: [{ id: 'ann' }], fallback: { rep: 'ann' } },
});
const finding = z.object({ path: z.string(), message: z.string() });
export const checkSchema = apiSchema(
  'RoutingCheck',
  z.object({
    problems: z.array(finding).describe('With these the rules are refused.'),
    warnings: z.array(finding).describe('Probably not meant.'),
  }),
  { problems: [], warnings: [{ path: 'pools[0]', message: 'no rule leads to the pool `emea`' }] },
);
export type RoutingCheck = z.output<typeof checkSchema>;

export const rulesBodySchema = apiSchema(
  'RoutingRulesUpload',
  z.strictObject({ rules: rulesDocument, note: z.string().max(200).default('') }),
  { rules: { reps: [{ id: 'ann' }], fallback: { rep: 'ann' } }, note: 'Ann takes all' },
);
export const storedRulesSchema = apiSchema(
  'RoutingRulesStored',
  z.object({ version, isNew: z.boolean().describe('false: the same rules were stored before.') }),
  { version: 2, isNew: true },
);

export const routingDryRunBodySchema = apiSchema(
  'RoutingDryRunRequest',
  z
    .strictObject({
      rules: rulesDocument.optional(),
      version: version.optional(),
      limit: z.int().min(1).max(1000).default(200).describe('The newest scored leads; they are decided as if they came in now.'),
    })
    .refine((body) => (body.rules === undefined) !== (body.version === undefined), 'must have one of `rules` and `version`'),
  { version: 2, limit: 200 },
);
export const routingDryRunSchema = apiSchema(
  'RoutingDryRun',
  z.object({
    leads: countSchema,
    changed: countSchema.describe('Leads that would have another owner.'),
    owners: z.array(z.object({ owner: z.string(), current: countSchema, proposed: countSchema })),
    differences: z
      .array(
        z.object({
          leadId: z.uuid(),
          current: z.string(),
          proposed: z.string(),
          rule: z.string().describe('That decides then.'),
        }),
      )
      .describe('At most 50.'),
  }),
  {
    leads: 2,
    changed: 1,
    owners: [
      { owner: 'ann', current: 2, proposed: 1 },
      { owner: 'bo', current: 0, proposed: 1 },
    ],
    differences: [{ leadId: LEAD_ID, current: 'ann', proposed: 'bo', rule: 'Hot' }],
  },
);
export type RoutingDryRun = z.output<typeof routingDryRunSchema>;

export const activateBodySchema = apiSchema('RoutingActivation', z.strictObject({ version }), { version: 2 });

export const absencesBodySchema = apiSchema(
  'RoutingAbsences',
  z.strictObject({ rep: z.string().max(100), absences: z.array(absence).max(100).describe('Replace those that were there.') }),
  { rep: 'ann', absences: [{ from: '2026-12-24', to: '2026-12-31' }] },
);

export const reassignBodySchema = apiSchema(
  'RoutingReassignment',
  z.strictObject({
    leadId: z.uuid(),
    to: z.string().min(1).max(100).optional().describe('A rep, or a user or queue of the CRM. Absent: the rules decide.'),
    reason: z.string().trim().min(1).max(200),
  }),
  { leadId: LEAD_ID, reason: 'Ann is overloaded' },
);
export const reassignmentSchema = apiSchema(
  'RoutingReassignmentRequested',
  z.object({ id: z.string(), status: z.literal('requested') }),
  { id: '1', status: 'requested' },
);

const crmId = z.string().trim().min(1).max(100);
const text = z.string().trim().max(255).nullable().default(null);
export const directoryBodySchema = apiSchema(
  'RoutingDirectory',
  z.strictObject({
    users: z
      .array(
        z.strictObject({
          userId: crmId,
          name: text,
          email: z.string().trim().max(320).nullable().default(null),
          active: z.boolean().default(true),
          managerId: crmId.nullable().default(null),
          timeZone: text,
        }),
      )
      .max(1000)
      .default([]),
    accounts: z
      .array(
        z.strictObject({
          accountId: crmId,
          ownerId: crmId,
          domains: z.array(z.string().trim().max(253)).max(100),
          name: text,
          type: text.describe('A customer is preferred where several accounts have a domain.'),
          industry: text,
          parentId: crmId.nullable().default(null),
        }),
      )
      .max(1000)
      .default([]),
  }),
  { accounts: [{ accountId: 'acme', ownerId: 'ann', domains: ['acme.com', 'acme.de'], type: 'Customer' }] },
);
export const directoryAnswerSchema = apiSchema(
  'RoutingDirectoryStored',
  z.object({ users: countSchema, accounts: countSchema }),
  { users: 0, accounts: 1 },
);
