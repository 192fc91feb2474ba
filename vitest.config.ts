import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const e2e = { hookTimeout: 60_000, testTimeout: 60_000 };

export default defineConfig({
  test: {
    // Most of a test's time is waiting, so two share a machine of two cores well; by itself vitest would leave one idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', './test/support/summary-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.spec.ts',
            'samples/**/*.spec.ts',
            'eval/**/*.spec.ts',
            'simulate/**/*.spec.ts',
            'test/deployment/**/*.test.ts',
          ],
          environment: 'node',
        },
      },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], globalSetup: ['test/support/servers.ts'], ...e2e } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/servers.ts'],
          ...e2e,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/build.ts', 'test/support/servers.ts'],
          ...e2e,
        },
      },
    ],
  },
});
