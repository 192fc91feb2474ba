/** What a script can rely on. `--help` and docs/cli.md list them. */
export const EXIT_CODES = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  unavailable: 5,
} as const;

/** Of a shell: ended by SIGINT. */
export const INTERRUPTED = 130;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

export const EXIT_CODE_TEXTS: Record<keyof typeof EXIT_CODES, string> = {
  ok: 'success',
  failure: 'failure, or differences or bad rows were found',
  usage: 'wrong usage: unknown command, wrong or missing option, no confirmation',
  notFound: 'no such lead, dead letter, rejection or receipt',
  notAllowed: 'the service refuses the token, or its role',
  unavailable: 'the service cannot be reached or is not ready',
};

/** An error whose message is for the operator: it is printed without a stack trace. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    readonly exitCode: ExitCode,
    message: string,
  ) {
    super(message);
  }
}

export function usageError(message: string): CommandError {
  return new CommandError(EXIT_CODES.usage, message);
}
