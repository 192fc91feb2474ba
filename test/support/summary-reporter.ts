import type { Reporter, TestModule } from 'vitest/node';
import { findRedisServer } from '../../src/platform/embedded/redis.js';

const INSTALL_REDIS = 'Install redis-server (Debian, Ubuntu: apt-get install redis-server) to run the tests on Redis.';
const INSTALL_PROMETHEUS =
  'Install prometheus (Debian, Ubuntu: apt-get install prometheus; promtool is in it) to test alert rules and dashboard.';
const RUN_FULL =
  '`npm run test:full` runs the rest: outages, restarts, browser, the other queue backend, volume, fuzz, Prometheus, embedded servers.';

/**
 * Ends each run with the tests that passed only on their second attempt, the number of skipped tests, and what to
 * install or start to run them.
 */
export default class SummaryReporter implements Reporter {
  constructor(private readonly options: { full: boolean }) {}

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const skipped = tests.filter((test) => !['passed', 'failed'].includes(test.result().state));
    const failed = tests.filter((test) => test.result().state === 'failed').length;
    const notes = new Set(skipped.map(({ fullName }) => this.noteOf(fullName)));
    if (!this.options.full) notes.add(RUN_FULL);
    const unstable = tests
      .filter((test) => test.diagnostic()?.flaky)
      .map(({ module, fullName }) => `unstable: ${module.relativeModuleId} > ${fullName}`);
    for (const line of unstable) console.log(line);
    console.log(`${tests.length - failed - skipped.length} passed, ${failed} failed, ${skipped.length} skipped.`, ...notes);
  }

  private noteOf(name: string): string {
    if (/prometheus\)|promtool/.test(name)) return INSTALL_PROMETHEUS;
    if (/as root/i.test(name) && process.getuid?.() !== 0)
      return 'Run as root to test that PostgreSQL is started as another user.';
    if (findRedisServer() === null) return INSTALL_REDIS;
    return this.options.full ? `"${name}" gives its reason in its file.` : RUN_FULL;
  }
}
