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
  stderr.write(`${printable((error as Error).message || String(error))}\n`);
  return error instanceof CommandError ? error.exitCode : EXIT_CODES.failure;
}
