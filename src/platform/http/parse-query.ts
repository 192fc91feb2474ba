import type { z } from 'zod';
import { AppError } from '../../domain/app-error.js';

/** Parses parameters of an operations request. @throws AppError BAD_REQUEST with one problem a parameter. */
export function parseQuery<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  throw new AppError('BAD_REQUEST', 'A parameter is not valid.', { problems });
}
