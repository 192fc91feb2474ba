import { defineConfig } from 'vitest/config';

// A synthesis takes seconds, and each of these tests makes its own.
export default defineConfig({ test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 } });
