import { z } from 'zod';
import { COUNTRY_CODES } from './countries.js';
import { classifyDomain } from './domain-class.js';
import { LEXICON, WORD_LISTS } from './lexicon.js';
import { phraseProblems } from './phrases.js';

const points = z.number().int().min(-100).max(100).describe('Whole points that are added to the score.');
const label = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .describe('Shown in the evidence and in the text for sales. At most 80 characters.');

/** The notation of phrases is part of the format, so a phrase that cannot be read is reported with its place. */
const phrases = z
  .array(z.string().min(1).max(2000).superRefine(reportPhraseProblems))
  .min(1)
  .max(200)
  .describe(
    'Phrases in lower case without accents and apostrophes; `;` separates phrases, `a|b` is either word, `word*` a ' +
      'beginning, `*word` an ending, `#` a number, `~` up to three words in between, `@product` a word list.',
  );

function reportPhraseProblems(line: string, context: z.RefinementCtx<string>): void {
  for (const message of phraseProblems(line, WORD_LISTS)) context.addIssue({ code: 'custom', message });
}

const seniority = z.strictObject({
  label,
  meaning: label.describe('What the role means for a purchase; shown behind the label in the evidence.'),
  points,
  disqualifies: z.boolean().optional().describe('A person with this title is no buyer: the intent is `none`.'),
  phrases,
});
export type Seniority = z.infer<typeof seniority>;

const labelled = z.strictObject({ label, points, phrases });
export type LabelledRule = z.infer<typeof labelled>;

const ownPhrases = z.strictObject({
  says: label,
  points,
  phrases,
  negated: z
    .strictObject({ says: label, points })
    .optional()
    .describe('What the negation of the phrase means. Without it a negated phrase brings no points.'),
});

const companyName = label.regex(/[\p{L}\p{N}]/u, 'must have a letter or a digit');
const country = z.enum(COUNTRY_CODES, { error: 'must be an ISO 3166 country code of two letters, for example DE' });
const domainName = z
  .string()
  .regex(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}$/, {
    error: 'must be a domain in lower case, for example acme.com',
    abort: true,
  })
  .refine(isOfOneCompany, 'is a domain of many companies or persons, who would all be competitors. Name a domain of the company');

function isOfOneCompany(domain: string): boolean {
  const facts = classifyDomain(domain);
  return facts.label !== '' && facts.class !== 'free' && facts.class !== 'disposable';
}

/** Only the first rule with a value is ever used, so a second one is a mistake. */
function reportRepeats<T>(
  valuesOf: (rule: T) => { value: unknown; path: PropertyKey[] }[],
): (rules: T[], context: z.RefinementCtx<T[]>) => void {
  return (rules, context) => {
    const first = new Map<unknown, number>();
    for (const [at, rule] of rules.entries()) {
      for (const { value, path } of valuesOf(rule)) {
        const before = first.get(value) ?? at;
        first.set(value, before);
        const message = `${String(value)} belongs to rule ${before} of this list already, so this one would never be used`;
        if (before < at) context.addIssue({ code: 'custom', path: [at, ...path], message });
      }
    }
  };
}

const SOURCE_IDS = LEXICON.source.rules.map(({ id }) => id);
const sources = z.strictObject(Object.fromEntries(SOURCE_IDS.map((id) => [id, points.optional()])));

const rank = z.number().int().min(1).max(100);
const bands = z
  .strictObject({
    warm: rank.describe('The lowest score of the band `warm`; below it is `cold`.'),
    hot: rank.describe('The lowest score of the band `hot`.'),
  })
  .refine(({ warm, hot }) => warm < hot, { error: 'must be above `warm`', path: ['hot'] });

const MAX_RULES = 100;

/** The sections of a scoring profile. */
const sections = {
  name: z.string().trim().min(1).max(60).describe('Shown with each previewed score.'),
  sells: z.string().trim().min(1).max(200).describe('What the company sells, for the prompt of a model: "… to …".'),
  base: z.number().int().min(0).max(100).describe('The score of a lead of which nothing is known.'),
  bands,
  emailDomains: z.strictObject({
    corporate: points,
    free: points,
    disposable: points,
    education: points,
    government: points,
    sharedMailbox: points,
  }),
  company: z.strictObject({ named: points, matchesDomain: points }),
  industries: z.array(labelled).max(MAX_RULES).describe('The first rule that the industry or the company name fits.'),
  sizes: z
    .array(z.strictObject({ atLeast: z.number().int().min(0), label, points }))
    .max(MAX_RULES)
    .superRefine(reportRepeats(({ atLeast }) => [{ value: atLeast, path: ['atLeast'] }]))
    .describe('The rule with the highest `atLeast` that the number of employees reaches.'),
  countries: z
    .array(z.strictObject({ label, points, countries: z.array(country).min(1).max(300) }))
    .max(MAX_RULES)
    .superRefine(reportRepeats(({ countries }) => countries.map((value, index) => ({ value, path: ['countries', index] }))))
    .describe('The first rule that names the country. The lead may send a code or a name.'),
  titles: z.strictObject({
    seniority: z.array(seniority).max(MAX_RULES).describe('The first rule that fits; put exceptions first.'),
    departments: z.array(labelled).max(MAX_RULES).describe('The first rule that fits.'),
  }),
  competitors: z.strictObject({
    points,
    companies: z
      .array(z.strictObject({ name: companyName, domains: z.array(domainName).max(50).optional() }))
      .max(500)
      .describe('A lead from one of these companies or domains has the intent `none`.'),
  }),
  sources: sources.describe('Points by the kind of form or campaign that the lead came through.'),
  intents: z
    .strictObject({ high: points, medium: points, low: points, none: points, unknown: points })
    .describe('What the intent as a whole adds.'),
  messages: z
    .strictObject({ high: points, medium: points, low: points, none: points })
    .describe('What a message of each kind is worth. They are weighted by the likelihood of each kind.'),
  phrases: z.array(ownPhrases).max(MAX_RULES).describe('Your own phrases in messages, on top of the points of the message.'),
};

const complete = z.strictObject(sections);
export type ScoringProfile = z.infer<typeof complete>;

const some = <T extends z.core.$ZodLooseShape>(section: z.ZodObject<T>) => section.partial().optional();

/**
 * A profile as an operator writes it. A section that is left out is the shipped profile's, and so is a key that is left
 * out of a section with fixed keys. A list replaces the shipped list. Unknown keys are errors.
 */
export const scoringProfileSchema = z
  .strictObject({
    $schema: z.string().optional().describe('The path or address of the JSON Schema, for the editor.'),
    ...complete.partial().shape,
    emailDomains: some(sections.emailDomains),
    company: some(sections.company),
    titles: some(sections.titles),
    competitors: some(sections.competitors),
    intents: some(sections.intents),
    messages: some(sections.messages),
  })
  .meta({ title: 'Scoring profile', description: 'What a lead is worth to us: SCORING_PROFILE names such a file.' });
export type WrittenProfile = z.infer<typeof scoringProfileSchema>;

/** The profile with the shipped sections where it has none of its own. */
export function completeProfile(shipped: ScoringProfile, written: WrittenProfile): ScoringProfile {
  return withoutSchema({
    ...shipped,
    ...written,
    emailDomains: { ...shipped.emailDomains, ...written.emailDomains },
    company: { ...shipped.company, ...written.company },
    titles: { ...shipped.titles, ...written.titles },
    competitors: { ...shipped.competitors, ...written.competitors },
    sources: { ...shipped.sources, ...written.sources },
    intents: { ...shipped.intents, ...written.intents },
    messages: { ...shipped.messages, ...written.messages },
  });
}

/** @throws ZodError where a section is missing. */
export function parseShippedProfile(source: object): ScoringProfile {
  return withoutSchema(source);
}

function withoutSchema(profile: object): ScoringProfile {
  const sections: Record<string, unknown> = { ...profile };
  delete sections['$schema'];
  return complete.parse(sections);
}
