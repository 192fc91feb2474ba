import { CommanderError } from 'commander';
import { loadEnvFile } from '../platform/config/env-file.js';
import { CommandError, EXIT_CODES } from './exit-codes.js';
import { printable } from './format-text.js';
import { createProgram } from './program.js';

// `revenueflow leads list | head` closes the pipe early: that is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_CODES.ok);
});

// A stream or timer that fails outside of a command must not print its stack trace either.
process.on('uncaughtException', (error) => process.exit(report(error)));

loadEnvFile();
const { program, session } = createProgram();
try {
  await program.parseAsync();
  await session.close();
} catch (error) {
  process.exitCode = report(error);
}

/** Prints what went wrong as sentences, never as a stack trace. @returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
  process.stderr.write(`${printable((error as Error).message || String(error))}\n`);
  return error instanceof CommandError ? error.exitCode : EXIT_CODES.failure;
}
