import { CommanderError } from 'commander';
import { CommandError, EXIT_CODES } from './exit-codes.js';
import { printable } from './format-text.js';
import type { CliIo } from './io.js';
import { createProgram } from './program.js';

/** Runs one command, e.g. `['leads', 'list']`. It never throws. @returns the exit code. */
export async function runCli(words: readonly string[], io: CliIo): Promise<number> {
  const { program, session } = createProgram(io);
  try {
    await program.parseAsync(words, { from: 'user' });
    await session.close();
    return session.exitCode;
  } catch (error) {
    return reportError(error, io);
  }
}

/** Prints what went wrong as sentences, never as a stack trace. @returns the exit code. */
export function reportError(error: unknown, { stderr }: Pick<CliIo, 'stderr'>): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
  stderr.write(`${printable(messageOf(error as Error))}\n`);
  return error instanceof CommandError ? error.exitCode : EXIT_CODES.failure;
}

/** A field that an answer lacks ends in one of these: its words are about JavaScript, and not about the cause. */
function messageOf(error: Error): string {
  if (!(error instanceof TypeError || error instanceof RangeError)) return error.message || String(error);
  return (
    'The answer of the service has not the expected form. It may be another program, or another version of RevenueFlow: check --url ' +
    `or REVENUEFLOW_URL. (${error.message})`
  );
}
