import { describe, expect, it } from 'vitest';
import { showConsole } from './demo-console.js';

async function linesOf(status: number | null, fresh: boolean): Promise<string> {
  const lines: string[] = [];
  await showConsole(
    { url: 'http://h:1', fresh },
    {
      say: (line) => void lines.push(line),
      wait: false,
      signal: new AbortController().signal,
      statusOf: async () => status,
    },
  );
  return lines.join('\n');
}

describe('the end of the demo', () => {
  it.each([
    ['names the console of a service that keeps running', 200, false, 'See them in the console: http://h:1/console'],
    ['names it where it asks to sign in', 303, false, 'See them in the console: http://h:1/console'],
    ['says how to keep a service that ends with the demo', 200, true, 'run `npm start`'],
  ])('%s', async (_, status, fresh, text) => {
    expect(await linesOf(status, fresh)).toContain(text);
  });

  it.each([404, null])('says nothing where there is no console (%s)', async (status) => {
    expect(await linesOf(status, false)).toBe('');
  });
});
