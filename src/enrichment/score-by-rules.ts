import { z } from 'zod';
import { AppError, type FieldProblem } from '../domain/app-error.js';
import type { Enrichment } from '../domain/enrichment.js';
import type { LeadContent } from '../domain/lead.js';
import { problemText, schemaProblems } from '../domain/schema-problems.js';
import type { Config } from '../platform/config/config.js';
import { readJsonFile } from '../platform/json-document.js';
import { HeuristicProvider, scoreLead } from './heuristic/heuristic.provider.js';
import { scoringProfileSchema } from './heuristic/profile.schema.js';
import { rulesOf, SHIPPED_RULES, type Ruleset } from './heuristic/ruleset.js';

export type { Ruleset };

export const BANDS = ['cold', 'warm', 'hot'] as const;
export type Band = (typeof BANDS)[number];

/** The keyless scorer with the profile of SCORING_PROFILE. */
export async function openHeuristic(config: Pick<Config, 'SCORING_PROFILE'>, rules?: Ruleset): Promise<HeuristicProvider> {
  return new HeuristicProvider(rules ?? (await loadRules(config.SCORING_PROFILE)));
}

const GUIDE = 'Configuration: SCORING_PROFILE: docs/scoring-profile.schema.json lists each key and its limits.';

/**
 * The rules of a profile file, or the shipped ones where there is no path.
 * @throws AppError CONFIG_INVALID with one line per problem, each with its place in the file.
 */
export async function loadRules(path: string | undefined): Promise<Ruleset> {
  if (path === undefined) return SHIPPED_RULES;
  const written = readProfile(await readJsonFile(path, 'SCORING_PROFILE'));
  if ('rules' in written) return written.rules;
  const lines = written.problems.map((problem) => `Configuration: SCORING_PROFILE: ${problemText(problem)}.`);
  throw new AppError('CONFIG_INVALID', [...lines, GUIDE].join('\n'));
}

/** Reads a parsed profile; where it is none, says what is wrong and where (`industries[0].points`). */
export function readProfile(source: unknown): { rules: Ruleset } | { problems: FieldProblem[] } {
  const parsed = scoringProfileSchema.safeParse(source);
  if (!parsed.success) return { problems: schemaProblems(parsed.error) };
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

/** Rules of a profile that a request has at `place`. @throws AppError BAD_REQUEST with the places of what is wrong */
export function rulesOfRequest(profile: unknown, place: string): Ruleset {
  const read = readProfile(profile);
  if ('rules' in read) return read.rules;
  const problems = read.problems.map(({ path, message }) => ({ path: path === '' ? place : `${place}.${path}`, message }));
  const lines = problems.map(({ path, message }) => `${path}: ${message}.`).join(' ');
  throw new AppError('BAD_REQUEST', `The scoring profile is not valid. ${lines}`.slice(0, 2000), { problems });
}

export function bandOf(fitScore: number, { profile }: Ruleset): Band {
  const { hot, warm } = profile.bands;
  return fitScore >= hot ? 'hot' : fitScore >= warm ? 'warm' : 'cold';
}
