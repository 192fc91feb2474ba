import { classOf, type ErrorClass, type ErrorCode } from './catalogue.js';

/** One field that is wrong, for the `errors` of a problem. */
export interface FieldProblem {
  /** The field as the sender named it; empty for the body as a whole. */
  path: string;
  message: string;
}

interface AppErrorOptions {
  cause?: unknown;
  problems?: FieldProblem[];
}

/** The only error that the service throws on purpose: a code of the catalogue, a sentence, and what caused it. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly problems: FieldProblem[];

  constructor(
    readonly code: ErrorCode,
    message: string,
    { cause, problems = [] }: AppErrorOptions = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.problems = problems;
  }

  get class(): ErrorClass {
    return classOf(this.code);
  }

  /**
   * Any thrown value as an AppError. What the catalogue does not know becomes `UNEXPECTED` with the original as cause; its message
   * is not taken over, since foreign messages quote values, and ours are logged and stored.
   */
  static from(error: unknown): AppError {
    if (error instanceof AppError) return error;
    return new AppError('UNEXPECTED', 'An unexpected error; the log has the place in the code.', { cause: error });
  }
}
