import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/** Ends each run with one line that says what was skipped and what to install to run it. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], _errors: readonly unknown[], _reason: TestRunEndReason): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    const notes = new Set<string>();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') count.passed++;
        else if (state === 'failed') count.failed++;
        else {
          count.skipped++;
          notes.add(noteOf(test.fullName));
        }
      }
    }
    if (count.skipped === 0) console.log('Nothing was skipped.');
    else console.log(`${count.skipped} skipped. ${[...notes].join(' ')}`);
    console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  }
}

function noteOf(name: string): string {
  if (/redis/i.test(name))
    return 'Install redis-server (Debian, Ubuntu: apt-get install redis-server) to run the tests on Redis.';
  if (/prometheus\)|promtool/.test(name))
    return 'Install prometheus (Debian, Ubuntu: apt-get install prometheus; promtool is in it) to test alert rules and dashboard.';
  if (/as root/i.test(name)) return 'Run as root to test that PostgreSQL is started as another user.';
  return `"${name}" gives its reason in its file.`;
}
