import type { z } from 'zod';
import type { FieldProblem } from './app-error.js';

const MAX_PROBLEMS = 50;

/** What is wrong with a parsed file and where (`industries[0].points`), in the words of other configuration errors. */
export function schemaProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.slice(0, MAX_PROBLEMS).flatMap(problemsOf);
}

export function problemText({ path, message }: FieldProblem): string {
  return path === '' ? message : `${path}: ${message}`;
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: placeOf(issue.path), message: messageOf(issue) }];
  return issue.keys.map((key) => ({ path: placeOf([...issue.path, key]).slice(0, 200), message: 'is not known here' }));
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    if (issue.message.endsWith('received undefined')) return 'is required';
    return `must be ${NOUNS[issue.expected] ?? `a ${issue.expected}`}`;
  }
  if (issue.code !== 'too_big' && issue.code !== 'too_small') return issue.message;
  const limit = issue.code === 'too_big' ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
  const one = (issue.code === 'too_big' ? issue.maximum : issue.minimum).toString() === '1';
  if (issue.origin === 'string') return `must have ${limit} ${one ? 'character' : 'characters'}`;
  if (issue.origin === 'array') return `must have ${limit} ${one ? 'item' : 'items'}`;
  return `must be ${limit}`;
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
