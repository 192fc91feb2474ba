import { z } from 'zod';
import { firstTouchSchema } from './first-touch.schema.js';

const name = z.string().trim().min(1).max(100);
const MAX_RULES = 2000;

const absence = z.strictObject({
  from: z.string().max(30).describe('A local day, 2026-12-24, or a local time, 2026-12-24T13:00.'),
  to: z.string().max(30).describe('As `from`, included.'),
});

const rep = z.strictObject({
  id: name.describe('By this name the pools and rules refer to the rep.'),
  crmUserId: name.optional().describe('The user in the CRM, for Salesforce 005…; default: `id`.'),
  name: name.optional(),
  email: z.string().max(320).optional(),
  manager: name.optional().describe('The rep or the user of the CRM whom this rep reports to.'),
  active: z.boolean().default(true).describe('A rep who is not active gets no lead.'),
  timeZone: z.string().default('UTC').describe('An IANA name, for example Europe/Berlin.'),
  hours: z
    .record(z.string(), z.string())
    .optional()
    .describe('Working hours by days: {"mon-fri": "09:00-12:00, 13:00-17:00"}. Absent: always there.'),
  dailyCap: z.number().int().min(0).max(100_000).optional().describe('Leads from pools per day of the time zone of the rep.'),
  openCap: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('Leads of the last 30 days without an outcome (touched, qualified, …) that the rep may have.'),
  absences: z.array(absence).max(500).default([]),
  holidays: name.optional().describe('The name of a list in `holidays`.'),
});
export type Rep = z.output<typeof rep>;

const target = z
  .strictObject({
    pool: name.optional(),
    rep: name.optional(),
    queue: name.optional().describe('A queue or user of the CRM by its id, for Salesforce 00G… or 005…; it is always there.'),
  })
  .refine(({ pool, rep: one, queue }) => [pool, one, queue].filter((each) => each !== undefined).length === 1, {
    error: 'must name one of `pool`, `rep` and `queue`',
  });
export type Target = z.output<typeof target>;

function withTarget<T extends { then: Target }>({ then: owner, ...rest }: T): Omit<T, 'then'> & { target: Target } {
  return { ...rest, target: owner };
}

const pool = z.strictObject({
  name,
  members: z
    .array(
      z.strictObject({
        rep: name,
        weight: z.number().int().min(0).max(1000).default(1).describe('The share of the leads; 0 pauses the member.'),
        priority: z.number().int().min(-1000).max(1000).default(0).describe('Of members whose turn it is, the highest is first.'),
      }),
    )
    .max(500),
  hours: z.enum(['respect', 'ignore']).default('respect').describe('Whether members get leads out of their working hours.'),
  calibrate: z
    .boolean()
    .default(true)
    .describe('true: a member who was absent or is new continues at the average of the pool. false: it catches up.'),
  whenNone: z
    .union([z.enum(['fallback', 'next-working']), z.strictObject({ pool: name })])
    .default('fallback')
    .describe('Where no member can take the lead: the fallback, the member who works first, or another pool.'),
});
export type Pool = z.output<typeof pool>;

/** In rules files the key is `then`; in the code it is `target`, since an object with `then` is taken for a promise. */
const leadsTo = (key: 'then') => ({ [key]: target });

const scalar = z.union([z.string().max(1000), z.number(), z.boolean()]);
const FIELD = /^(?:email|domain|campaignId|country|band|attributes\..+|enrichment\..+|account\..+)$/u;

/** One condition, or several. */
export interface ConditionSource {
  all?: ConditionSource[] | undefined;
  any?: ConditionSource[] | undefined;
  not?: ConditionSource | undefined;
  field?: string | undefined;
  eq?: string | number | boolean | undefined;
  in?: (string | number | boolean)[] | undefined;
  gte?: number | undefined;
  lte?: number | undefined;
  matchesDomain?: string | string[] | undefined;
  known?: boolean | undefined;
}

export const OPERATORS = ['eq', 'in', 'gte', 'lte', 'matchesDomain', 'known'] as const;

const condition: z.ZodType<ConditionSource> = z
  .strictObject({
    get all() {
      return z.array(condition).min(1).max(100).optional();
    },
    get any() {
      return z.array(condition).min(1).max(100).optional();
    },
    get not() {
      return condition.optional();
    },
    field: z
      .string()
      .max(200)
      .regex(FIELD, 'must be email, domain, campaignId, country, band, attributes.…, enrichment.… or account.…')
      .optional(),
    eq: scalar.optional(),
    in: z.array(scalar).min(1).max(1000).optional(),
    gte: z.number().optional(),
    lte: z.number().optional(),
    matchesDomain: z.union([z.string().max(253), z.array(z.string().max(253)).min(1).max(1000)]).optional(),
    known: z.boolean().optional(),
  })
  .superRefine((each, context) => {
    const forms = (['all', 'any', 'not', 'field'] as const).filter((form) => each[form] !== undefined);
    if (forms.length !== 1) context.addIssue({ code: 'custom', message: 'must have one of `all`, `any`, `not` and `field`' });
    const operators = OPERATORS.filter((operator) => each[operator] !== undefined);
    if (forms[0] === 'field' && operators.length === 0)
      context.addIssue({ code: 'custom', message: `must compare \`field\`: ${OPERATORS.join(', ')}` });
    if (forms[0] !== 'field' && operators.length > 0)
      context.addIssue({ code: 'custom', message: `\`${operators[0]!}\` needs a \`field\`` });
  });

const texts = z.array(z.string().trim().min(1).max(200)).min(1).max(5000).optional();

/** What a territory may name. */
export const DIMENSIONS = [
  'countries',
  'regions',
  'postalCodes',
  'industries',
  'languages',
  'campaigns',
  'bands',
  'employees',
] as const;

const territory = z
  .strictObject({
    name,
    countries: texts.describe('ISO codes or names; read from the attribute country, Country, countryCode, …'),
    regions: texts.describe('States or regions; read from state, region, province, … States of the US and Canada: code or name.'),
    postalCodes: texts.describe(
      'Beginnings of postal codes, and ranges: 80000..81999; read from postalCode, zip, … The longest that fits is the most specific.',
    ),
    industries: texts.describe('Read from industry, or that of the matched account.'),
    languages: texts.describe('Language tags or names; read from language, locale, … de is also the language of de-AT.'),
    campaigns: texts,
    bands: texts.describe('cold, warm, hot.'),
    employees: z
      .strictObject({ min: z.number().min(0).optional(), max: z.number().min(0).optional() })
      .optional()
      .describe('Read from employees, numberOfEmployees, companySize, …'),
    ...leadsTo('then'),
  })
  .refine((each) => DIMENSIONS.some((dimension) => each[dimension] !== undefined), {
    error: `must have at least one of ${DIMENSIONS.join(', ')}`,
  })
  .transform(withTarget);
export type Territory = z.output<typeof territory>;

export const routingRulesSchema = z
  .strictObject({
    $schema: z.string().optional(),
    name: name.optional(),
    reps: z.array(rep).max(1000),
    holidays: z
      .record(z.string(), z.array(z.string().max(10)).max(1000))
      .default({})
      .describe('Days on which reps do not work, by the name of a list: {"DE": ["2026-12-25"]}.'),
    pools: z.array(pool).max(500).default([]),
    accounts: z
      .strictObject({
        match: z.boolean().default(true).describe('Whether the owner of the account with the domain of the lead gets the lead.'),
        parents: z.boolean().default(false).describe('Whether the owner of the topmost parent account counts.'),
        whenAway: z
          .enum(['next', 'keep'])
          .default('next')
          .describe('An owner who is absent: the next step decides, or the owner gets the lead all the same.'),
        owners: z
          .enum(['all', 'reps'])
          .default('all')
          .describe('reps: an owner whom the rules do not name as a rep, such as the user of an integration, gets no lead.'),
      })
      .default({ match: true, parents: false, whenAway: 'next', owners: 'all' }),
    targets: z
      .array(
        z
          .strictObject({ name, domains: z.array(z.string().max(253)).min(1).max(100_000), ...leadsTo('then') })
          .transform(withTarget),
      )
      .max(MAX_RULES)
      .default([])
      .describe('Lists of named companies by their domains.'),
    territories: z.array(territory).max(MAX_RULES).default([]).describe('The most specific that fits decides.'),
    rules: z
      .array(z.strictObject({ name, when: condition, ...leadsTo('then') }).transform(withTarget))
      .max(MAX_RULES)
      .default([])
      .describe('The first that matches decides.'),
    firstTouch: firstTouchSchema.optional().describe('How soon an owner must act on a lead.'),
    fallback: target.describe('Who gets the leads for which no rule decides or no member can take them.'),
  })
  .meta({ title: 'Routing rules', description: 'Who owns a new lead: ROUTING_RULES names such a file.' });

export type RoutingRules = z.output<typeof routingRulesSchema>;
export type RoutingRule = RoutingRules['rules'][number];

/** The published JSON Schema of the rules (docs/routing-rules.schema.json). */
export function routingRulesJsonSchema(): object {
  return z.toJSONSchema(routingRulesSchema, { io: 'input' });
}
