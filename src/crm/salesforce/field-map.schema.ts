import { z } from 'zod';

/** Where a value comes from: the lead, its attributes, its score, or what the service knows of it. */
const sourceSchema = z
  .string()
  .regex(
    /^(?:email|emailRaw|name|campaignId|personKey|version|leadId|receivedAt|probability|attributes\..+|enrichment\.(?:fitScore|intent|confidence|reasoning|scoreSource|needsRescore|provider|model|scorerVersion|evidence|flags))$/,
    'must be email, emailRaw, name, campaignId, leadId, receivedAt, probability, attributes.<name> or enrichment.<field>',
  );

export const TRANSFORMS = [
  'trim',
  'lower',
  'upper',
  'first-name',
  'last-name',
  'salutation',
  'suffix',
  'domain',
  'company-domain',
  'number',
  'boolean',
  'date',
  'date-time',
  'lines',
] as const;

const fieldSchema = z
  .strictObject({
    /** The field's API name in Salesforce. */
    to: z.string().regex(/^[A-Za-z]\w*$/, 'must be the API name of a field'),
    /** The first of them that has a value counts. */
    from: z.union([sourceSchema, z.array(sourceSchema).min(1)]).optional(),
    constant: z.union([z.string(), z.number(), z.boolean()]).optional(),
    transform: z.enum(TRANSFORMS).optional(),
    /** Values by what they are in the source; others pass unchanged unless `*` is given. */
    values: z.record(z.string(), z.string()).optional(),
    /** `create`: never over what is there. */
    on: z.enum(['create', 'always']).default('always'),
    /** Sent on create where the source has nothing: a placeholder must not overwrite what sales typed. */
    whenMissing: z
      .union([z.strictObject({ from: sourceSchema, transform: z.enum(TRANSFORMS).optional() }), z.string()])
      .optional(),
  })
  .refine(({ from, constant }) => (from === undefined) !== (constant === undefined), 'needs either "from" or "constant"');
export type FieldRule = z.output<typeof fieldSchema>;

const distinct = (rules: FieldRule[]) => new Set(rules.map(({ to }) => to.toLowerCase())).size === rules.length;

/** The field map: a JSON file (SALESFORCE_FIELD_MAP). docs/salesforce.md describes it. */
export const fieldMapSchema = z.strictObject({
  $about: z.string().optional(),
  lead: z.array(fieldSchema).refine(distinct, 'names a field twice'),
  campaignMember: z.array(fieldSchema).refine(distinct, 'names a field twice').default([]),
});
export type FieldMap = z.output<typeof fieldMapSchema>;
