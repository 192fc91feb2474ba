import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { SCORE_ATTRIBUTES } from '../domain/score-attributes.js';
import { readJsonFile } from '../platform/json-document.js';
import source from './default-field-map.json' with { type: 'json' };

/** Where a value comes from: the lead, its attributes, score, owner and outcome, or what the service knows of it. */
const sourceSchema = z
  .string()
  .regex(
    /^(?:campaignId|version|scoredAt|leadId|probability|owner|owner\.(?:id|name|email)|outcome|outcome\.at|attributes\..+|enrichment\.(?:fitScore|intent|confidence|reasoning|scoreSource|needsRescore|provider|model|scorerVersion|evidence|flags))$/,
    'must be campaignId, version, scoredAt, leadId, probability, owner, owner.<id, name or email>, outcome, outcome.at, ' +
      'attributes.<name> or enrichment.<field>',
  );

export const TRANSFORMS = ['text', 'number', 'boolean', 'lower', 'upper'] as const;
const fieldName = z.string().regex(/^[A-Za-z]\w*$/, 'must be the REST API name of a field');

/** The webhook's key and what Marketo and its CRM own: a score must not overwrite them. */
const NEVER_WRITTEN = new Set(['id', 'email', 'company', 'createdAt', 'updatedAt']);

const ruleSchema = z
  .strictObject({
    /** The field's REST API name in Marketo. */
    to: fieldName.refine((name) => !NEVER_WRITTEN.has(name), 'must not be id, email, company, createdAt or updatedAt'),
    from: sourceSchema.optional(),
    constant: z.union([z.string(), z.number(), z.boolean()]).optional(),
    transform: z.enum(TRANSFORMS).optional(),
    /** Values by what they are in the source; others pass unchanged unless `*` is given. */
    values: z.record(z.string(), z.string()).optional(),
    /** `others`: the field is written only together with another field that has changed. */
    whenChanged: z.enum(['any', 'others']).default('any'),
    /** The field is left out where Marketo does not have it; others must be there. */
    optional: z.boolean().default(false),
  })
  .refine(({ from, constant }) => (from === undefined) !== (constant === undefined), 'needs either "from" or "constant"');
export type FieldRule = z.output<typeof ruleSchema>;

const distinct = (rules: FieldRule[]) => new Set(rules.map(({ to }) => to.toLowerCase())).size === rules.length;

/** The field map: a JSON file (MARKETO_FIELD_MAP). docs/marketo.md describes it. */
export const fieldMapSchema = z.strictObject({
  $about: z.string().optional(),
  person: z
    .array(ruleSchema)
    .min(1)
    .refine(distinct, 'names a field twice')
    .refine((rules) => rules.some(({ whenChanged }) => whenChanged === 'any'), 'needs a field with "whenChanged": "any"'),
  webhook: z.strictObject({
    /** By attribute of the webhook's template: the field, or several that the template joins with a space. */
    fields: z
      .record(z.string(), z.union([fieldName, z.array(fieldName).min(1)]))
      .refine((fields) => 'email' in fields, 'needs "email"')
      .refine((fields) => !('campaign_id' in fields), 'must not have "campaign_id": it is not a field of a person'),
    /** By id of a campaign in Marketo: the campaign_id that its webhook sends, where that is another. */
    campaigns: z.record(z.string().regex(/^\d+$/, 'must be the id of a campaign'), z.string().min(1)).default({}),
  }),
});
export type FieldMap = z.output<typeof fieldMapSchema>;

export const DEFAULT_FIELD_MAP: FieldMap = fieldMapSchema.parse(source);

/** @throws AppError CONFIG_INVALID where the file cannot be read or is no field map. */
export async function loadFieldMap(path: string | undefined): Promise<FieldMap> {
  if (path === undefined) return DEFAULT_FIELD_MAP;
  const parsed = fieldMapSchema.safeParse(await readJsonFile(path, 'MARKETO_FIELD_MAP'));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path: place, message }) => `Configuration: MARKETO_FIELD_MAP: ${place.join('.')} ${message}.`,
  );
  throw new AppError('CONFIG_INVALID', problems.join('\n'));
}

/** Fields of the map that a webhook could send back as new content, since CONTENT_IGNORE does not name them. */
export function unguardedFields(map: FieldMap, contentIgnore: readonly string[]): string[] {
  const guarded = new Set([...SCORE_ATTRIBUTES, ...contentIgnore]);
  return map.person.map(({ to }) => to).filter((name) => !guarded.has(name));
}
