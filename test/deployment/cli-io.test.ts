import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../../src');

it('commands of the CLI use the streams and the environment that they are given, so that they run in any process', () => {
  const files = readdirSync(join(SRC, 'cli'), { recursive: true, encoding: 'utf8' }).filter((file) => file !== 'main.ts');
  const commands = files.filter((file) => file.endsWith('.ts'));
  const users = commands.filter((file) =>
    /process\.(stdin|stdout|stderr|env|exitCode)/.test(readFileSync(join(SRC, 'cli', file), 'utf8')),
  );
  expect(users).toEqual([]);
});
