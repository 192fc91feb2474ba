import { classOf, type ErrorClass, type ErrorCode } from './error-catalog.js';

/** One field that is wrong, for the `errors` of a problem. */
export interface FieldProblem {
  /** The field as the sender named it; empty for the body as a whole. */
  path: string;
  message: string;
}

interface AppErrorOptions {
  cause?: unknown;
  problems?: FieldProblem[];
  /** How long the downstream asked us to wait (Retry-After, RetryInfo), in milliseconds. */
  retryAfterMs?: number;
  /**
   * What a setting of the downstream would look like if it were the cause, e.g. `REQUIRED_FIELD_MISSING:Industry`.
   * Where several distinct leads fail with the same signature, the setting is at fault and not the leads.
   */
  signature?: string;
  /** What the downstream answered, shortened and without personal data, for the reader of the dead letter. */
  answer?: string;
  /**
   * The record that the downstream refused, for the audit trail. It is personal data, so a log has nothing of it (see
   * platform/logger.ts).
   */
  sent?: Record<string, string | number | boolean>;
}

/** The only error that the service throws on purpose: a code of the catalogue, a sentence, and what caused it. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly problems: FieldProblem[];
  readonly retryAfterMs: number | undefined;
  readonly signature: string | undefined;
  readonly answer: string | undefined;
  readonly sent: AppErrorOptions['sent'];

  constructor(
    readonly code: ErrorCode,
    message: string,
    { cause, problems = [], retryAfterMs, signature, answer, sent }: AppErrorOptions = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.problems = problems;
    this.retryAfterMs = retryAfterMs;
    this.signature = signature;
    this.answer = answer;
    this.sent = sent;
  }

  get class(): ErrorClass {
    return classOf(this.code);
  }

  /**
   * Any thrown value as an AppError. What the catalogue does not know becomes `UNEXPECTED` with the original as cause;
   * its message is not taken over, since foreign messages quote values, and ours are logged and stored.
   */
  static from(error: unknown): AppError {
    if (error instanceof AppError) return error;
    return new AppError('UNEXPECTED', 'An unexpected error; the log has the place in the code.', { cause: error });
  }
}
