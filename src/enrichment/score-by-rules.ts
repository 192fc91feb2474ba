import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { AppError, type FieldProblem } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import type { Config } from '../platform/config/config.js';
import { HeuristicProvider, scoreLead } from './heuristic/heuristic.provider.js';
import { scoringProfileSchema } from './heuristic/profile.schema.js';
import { rulesOf, SHIPPED_RULES, type Ruleset } from './heuristic/ruleset.js';

export type { Ruleset };

export type Band = 'cold' | 'warm' | 'hot';

/** The keyless scorer with the profile of SCORING_PROFILE. */
export async function openHeuristic(config: Pick<Config, 'SCORING_PROFILE'>, rules?: Ruleset): Promise<HeuristicProvider> {
  return new HeuristicProvider(rules ?? (await loadRules(config.SCORING_PROFILE)));
}

/**
 * The rules of a profile file, or the shipped ones where there is no path.
 * @throws AppError CONFIG_INVALID with one line per problem, each with its place in the file.
 */
export async function loadRules(path: string | undefined): Promise<Ruleset> {
  if (path === undefined) return SHIPPED_RULES;
  const written = readProfile(await readJsonFile(path));
  if ('rules' in written) return written.rules;
  const lines = written.problems.map((problem) => `Configuration: SCORING_PROFILE: ${problemText(problem)}.`);
  throw new AppError('CONFIG_INVALID', lines.join('\n'));
}

/** Reads a parsed profile; where it is none, says what is wrong and where (`industries[0].points`). */
export function readProfile(source: unknown): { rules: Ruleset } | { problems: FieldProblem[] } {
  const parsed = scoringProfileSchema.safeParse(source);
  if (!parsed.success) return { problems: parsed.error.issues.slice(0, MAX_PROBLEMS).flatMap(problemsOf) };
  try {
    return { rules: rulesOf(parsed.data) };
  } catch (cause) {
    // Sections that are right by themselves can contradict each other or the shipped ones.
    throw new AppError('CONFIG_INVALID', 'The scoring profile cannot be combined with the shipped one.', { cause });
  }
}

/** The published JSON Schema of a profile (docs/scoring-profile.schema.json). */
export function profileJsonSchema(): object {
  return z.toJSONSchema(scoringProfileSchema, { io: 'input' });
}

/** The score that the rules give; nothing is stored or sent. */
export function scoreByRules(lead: Pick<LeadContent, 'email' | 'attributes'>, rules: Ruleset): Enrichment {
  return scoreLead(lead, rules);
}

export function bandOf(fitScore: number, { profile }: Ruleset): Band {
  const { hot, warm } = profile.bands;
  return fitScore >= hot ? 'hot' : fitScore >= warm ? 'warm' : 'cold';
}

const MAX_PROBLEMS = 50;

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: placeOf(issue.path), message: messageOf(issue) }];
  return issue.keys.map((key) => ({ path: placeOf([...issue.path, key]).slice(0, 200), message: 'is not known here' }));
}

/** In the words of the other configuration errors. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    if (issue.message.endsWith('received undefined')) return 'is required';
    return `must be ${NOUNS[issue.expected] ?? `a ${issue.expected}`}`;
  }
  if (issue.code !== 'too_big' && issue.code !== 'too_small') return issue.message;
  const limit = issue.code === 'too_big' ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
  if (issue.origin === 'string') return `must have ${limit} characters`;
  return issue.origin === 'array' ? `must have ${limit} items` : `must be ${limit}`;
}

const NOUNS: Record<string, string> = {
  int: 'a whole number',
  object: 'an object',
  array: 'a list in [ ]',
  string: 'a text in quotation marks',
};

/** `industries[0].points` */
function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  );
}

function problemText({ path, message }: FieldProblem): string {
  return path === '' ? message : `${path}: ${message}`;
}

async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? `is not JSON (${cause.message})` : 'cannot be read';
    throw new AppError('CONFIG_INVALID', `Configuration: the file that SCORING_PROFILE names ${reason}.`, { cause });
  }
}
