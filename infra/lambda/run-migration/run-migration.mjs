/**
 * Runs the schema migration as one task and waits for its end, so that CloudFormation replaces no container before
 * the schema is ready.
 *
 * @param {{ RequestType: string }} event of a CloudFormation custom resource
 * @param {{
 *   start(): Promise<string>,
 *   look(task: string): Promise<{ stopped: boolean, exitCode?: number, reason?: string }>,
 *   pause(): Promise<void>,
 *   outOfTime(): boolean,
 * }} world
 * @throws Error if the migration failed; the deployment is then rolled back, and nothing was migrated.
 */
export async function runMigration({ RequestType }, world) {
  if (RequestType === 'Delete') return {};
  const task = await world.start();
  for (;;) {
    const { stopped, exitCode, reason } = await world.look(task);
    if (stopped) {
      if (exitCode === 0) return {};
      throw new Error(
        `The migration ended with ${exitCode ?? 'no exit code'} (${reason ?? 'no reason given'}); its log group says why. Nothing was migrated.`,
      );
    }
    if (world.outOfTime())
      throw new Error('The migration still runs after 14 minutes. Watch its task; deploy again once it has ended.');
    await world.pause();
  }
}
