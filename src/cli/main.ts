import { loadEnvFile } from '../platform/config/env-file.js';
import { EXIT_CODES } from './exit-codes.js';
import { reportError, runCli } from './run-cli.js';

// `revenueflow leads list | head` closes the pipe early: that is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_CODES.ok);
});

// A stream or timer that fails outside of a command must not print its stack trace either.
process.on('uncaughtException', (error) => process.exit(reportError(error, process)));

loadEnvFile();
process.exitCode = await runCli(process.argv.slice(2), process);
