import { describe, expect, it } from 'vitest';
import { runMigration } from '../lambda/run-migration/run-migration.mjs';

type Look = { stopped: boolean; exitCode?: number; reason?: string };

function world(looks: Look[], { outOfTime = false } = {}) {
  const calls: string[] = [];
  return {
    calls,
    start: async () => (calls.push('start'), 'task'),
    look: async (task: string) => (calls.push(`look ${task}`), looks.shift()!),
    pause: async () => void calls.push('pause'),
    outOfTime: () => outOfTime,
  };
}

describe('the migration of a deployment', () => {
  it('is waited for to its end', async () => {
    const meanwhile = world([{ stopped: false }, { stopped: true, exitCode: 0 }]);
    await expect(runMigration({ RequestType: 'Update' }, meanwhile)).resolves.toEqual({});
    expect(meanwhile.calls).toEqual(['start', 'look task', 'pause', 'look task']);
  });

  it.each([
    [{ stopped: true, exitCode: 1, reason: 'Essential container exited' }, /ended with 1 \(Essential container exited\)/],
    [{ stopped: true, reason: 'CannotPullContainerError' }, /no exit code \(CannotPullContainerError\)/],
  ])('stops the deployment when it fails: %j', async (look, message) => {
    await expect(runMigration({ RequestType: 'Create' }, world([look]))).rejects.toThrow(message);
  });

  it('stops before its own time is over', async () => {
    await expect(runMigration({ RequestType: 'Create' }, world([{ stopped: false }], { outOfTime: true }))).rejects.toThrow(
      /still runs/,
    );
  });

  it('does nothing when the stack goes', async () => {
    const gone = world([]);
    await runMigration({ RequestType: 'Delete' }, gone);
    expect(gone.calls).toEqual([]);
  });
});
