import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { EXIT_CODES } from './exit-codes.js';
import type { CliIo } from './io.js';
import { createProgram } from './program.js';
import { runCli } from './run-cli.js';

afterEach(() => vi.unstubAllGlobals());

/** Runs a command without a terminal against a service that answers each request alike. */
async function run(words: string[], answer: object = { items: [], nextCursor: null }) {
  const fetched = vi.fn(async () => new Response(JSON.stringify(answer)));
  vi.stubGlobal('fetch', fetched);
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const code = await runCli(words, { env: {}, stdin, stdout, stderr });
  return { code, requests: fetched.mock.calls.length, said: String(stderr.read() ?? '') };
}

const io = { env: {}, stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() } as CliIo;
const leaves = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap((child) => leaves(child));
const pathOf = (command: Command): string[] => (command.parent ? [...pathOf(command.parent), command.name()] : []);
const FEWEST = 40;

it('a word too many is refused by each command, and nothing is asked of the service', async () => {
  const commands = leaves(createProgram(io).program).filter(
    ({ registeredArguments }) => !registeredArguments.some(({ variadic }) => variadic),
  );
  expect(commands.length).toBeGreaterThan(FEWEST);
  for (const command of commands) {
    const wanted = command.registeredArguments.map(({ argChoices }) => argChoices?.[0] ?? '1');
    const required = command.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long!, 'x']);
    const { code, requests } = await run([...pathOf(command), ...wanted, 'ann@acme.example', ...required]);
    expect([command.name(), code, requests]).toEqual([command.name(), EXIT_CODES.usage, 0]);
  }
});

it.each([
  ['sla'],
  ['outcomes', 'report'],
  ['marketo', 'status'],
  ['dead-letters', 'get', '01234567-89ab-8def-8123-456789abcdef'],
])('an answer of another program is named as what it may be: %s', async (...words) => {
  const { code, said } = await run(words, {});
  expect(code).toBe(EXIT_CODES.failure);
  expect(said).toMatch(/another program, or another version/);
});

it('an empty code is no filter', async () => {
  expect(await run(['dead-letters', 'replay', '--code', ''])).toMatchObject({ code: EXIT_CODES.usage, requests: 0 });
});

it('a backfill ends where no next page is named', async () => {
  expect(await run(['marketo', 'backfill', '--dry-run'], { people: 1, owed: 1 })).toMatchObject({ code: 0, requests: 1 });
});
