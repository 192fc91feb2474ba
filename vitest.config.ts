import { defineConfig } from 'vitest/config';

const e2e = { hookTimeout: 60_000, testTimeout: 60_000 };

export default defineConfig({
  test: {
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
