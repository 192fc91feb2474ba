import { availableParallelism } from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { LongFilesFirst } from './test/support/long-files-first.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** True in `npm run test:full`. */
    full: boolean;
  }
}

const UNIT = ['src', 'samples', 'eval', 'simulate'].map((folder) => `${folder}/**/*.spec.ts`);

/**
 * `npm test` takes every unit and contract test, and one path through each queue backend. `npm run test:full` adds the
 * files `*.full.test.ts` and what is under `FULL` (test/support/full.ts): outages, restarts, browser, migration, the
 * other queue backend throughout, volume, fuzz, Prometheus, embedded servers.
 */
export function configOf({ full }: { full: boolean }): ViteUserConfig {
  // Files of one process share the modules that they import: to load the frameworks anew takes longer than most tests.
  const run = { isolate: false, provide: { full } };
  const services = (name: string, globalSetup: string[], setupFiles: string[] = []) => ({
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      exclude: full ? [] : ['**/*.full.test.ts'],
      globalSetup,
      setupFiles,
      hookTimeout: 120_000,
      testTimeout: 120_000,
      // A machine of CI may be slow for a moment. The summary lists what passed only on its second attempt.
      retry: process.env['CI'] && name !== 'contract' ? 1 : 0,
      ...run,
    },
  });
  return defineConfig({
    test: {
      // Much of a test's time is waiting, so three share a machine of two cores well.
      maxWorkers: Math.max(3, availableParallelism() - 1),
      sequence: { sequencer: LongFilesFirst },
      reporters: ['default', ['./test/support/summary-reporter.ts', { full }]],
      projects: [
        { test: { name: 'unit', include: [...UNIT, 'test/{console,deployment}/**/*.test.ts'], testTimeout: 60_000, ...run } },
        services('contract', ['test/support/servers.ts']),
        services('integration', ['test/support/servers.ts']),
        services('e2e', ['test/support/build.ts', 'test/support/servers.ts'], ['test/support/each-file.ts']),
      ],
    },
  });
}

export default configOf({ full: false });
