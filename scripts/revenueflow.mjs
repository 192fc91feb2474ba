#!/usr/bin/env node
// The command `revenueflow` of an installation or a clone: compiles what has changed, then runs the CLI. In a
// container, which has no sources, the same is `node dist/cli/main.js`.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
if (existsSync(join(root, 'src'))) {
  // On stderr: stdout belongs to the command, which may print JSON.
  const build = spawnSync(process.execPath, [join(root, 'scripts/build-if-stale.mjs')], { stdio: ['ignore', 2, 2] });
  if (build.status !== 0) process.exit(1);
}
await import('../dist/cli/main.js');
