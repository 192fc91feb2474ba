import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { INSTRUCTIONS } from '../instructions.js';
import { LEXICON } from '../heuristic/lexicon.js';
import type { Ruleset } from '../heuristic/ruleset.js';
import { answerSchema } from './parse-answer.js';
import type { MinimisedLead } from './minimise.js';

export interface Prompt {
  system: string;
  user: string;
  /** Words that an honest answer never contains. */
  secrets: readonly string[];
}

/** `software|saas ; real estate` as words for a reader. */
function readable(phrases: readonly string[], most: number): string {
  const words = phrases.flatMap((line) => line.split(/[;|]/)).map((phrase) => phrase.replaceAll(/[*^$~@#]/g, '').trim());
  return [...new Set(words)]
    .filter((word) => word.length > 2)
    .slice(0, most)
    .join(', ');
}

const MAX_COMPETITORS = 50;
const signed = (points: number) => (points > 0 ? `+${points}` : String(points));

/** The ideal customer and the rubric, in the words and with the weights of the scoring profile. */
function rubricOf({ profile }: Ruleset): string[] {
  const { base, titles, industries, sizes, countries, competitors, emailDomains, phrases } = profile;
  const section = (heading: string, lines: string[]) => (lines.length === 0 ? [] : ['', heading, ...lines]);
  const { sharedMailbox, ...domains } = emailDomains;
  return [
    `Start from ${base}. The weights below are guidance for a person's judgement, not a sum to compute.`,
    ...section('Who is asking (job title):', [
      ...titles.seniority.map(({ label, meaning, points }) => `- ${label}: ${meaning} (${signed(points)})`),
      ...titles.departments.map(({ label, points }) => `- works in ${label} (${signed(points)})`),
    ]),
    ...section('Their company:', [
      ...industries.map(({ label, points, phrases: words }) => `- ${label}: ${readable(words, 30)} (${signed(points)})`),
      ...sizes.map(({ label, points }) => `- ${label} (${signed(points)})`),
      ...competitors.companies
        .slice(0, MAX_COMPETITORS)
        .map(({ name }) => `- competitor ${name} (${signed(competitors.points)})`),
    ]),
    ...section(
      'Their country:',
      countries.map(({ label, points, countries: codes }) => `- ${label}: ${codes.join(', ')} (${signed(points)})`),
    ),
    ...section('Their e-mail domain:', [
      ...Object.entries(domains).map(([name, points]) => `- ${name} (${signed(points)})`),
      `- ${LEXICON.domains.sharedMailbox.says} (${signed(sharedMailbox)})`,
    ]),
    ...section('What they say, and what it means for the intent to buy from us:', [
      ...LEXICON.message.families.map(({ says, intent, points }) => `- ${says}: ${intent} (${signed(points)})`),
      `- ${LEXICON.pitch.says}: none (${signed(LEXICON.pitch.points)})`,
    ]),
    ...section(
      'What else counts in a message:',
      phrases.map(({ says, points, phrases: words }) => `- ${says}: ${readable(words, 20)} (${signed(points)})`),
    ),
  ];
}

const USER = `<lead-{NONCE}>\n{LEAD}\n</lead-{NONCE}>\n\nJudge this lead.`;

/** What a model is asked, for one scoring profile. */
export class PromptTemplate {
  private readonly system: string;
  /** Over all that the model reads and the rules of the guards: a score names the version that made it. */
  readonly version: string;

  /** @param instructions instead of those that ship; `missingInInstructions` says whether they can be used. */
  constructor(rules: Ruleset, instructions: string = INSTRUCTIONS) {
    const rubric = rubricOf(rules).join('\n');
    this.system = instructions.replaceAll('{SELLS}', () => rules.profile.sells).replaceAll('{RUBRIC}', () => rubric);
    const hash = createHash('sha256').update(JSON.stringify([this.system, USER, z.toJSONSchema(answerSchema), rules.version]));
    this.version = `prompt-${hash.digest('hex').slice(0, 12)}`;
  }

  /** @param random 16 bytes that cannot be guessed: a text that cannot name the delimiter cannot close it. */
  promptFor(lead: MinimisedLead, random: Buffer = randomBytes(16)): Prompt {
    const nonce = random.subarray(0, 8).toString('hex');
    const canary = `zq${random.subarray(8).toString('hex')}`;
    // As JSON with < and > escaped, no text of the lead can look like a delimiter.
    const data = JSON.stringify(lead, null, 1).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e');
    const fill = (text: string) => text.replaceAll('{NONCE}', nonce).replaceAll('{CANARY}', canary);
    return { system: fill(this.system), user: fill(USER).replace('{LEAD}', () => data), secrets: [nonce, canary] };
  }
}
