import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TUTORIAL, withOutputs } from '../support/routing-tutorial.js';

it('docs/routing.md shows what the code prints; `npx tsx test/support/routing-tutorial.ts` writes it', async () => {
  const markdown = readFileSync(TUTORIAL, 'utf8');
  expect(markdown.match(/routing simulate/g)!.length).toBeGreaterThan(4);
  expect(await withOutputs(markdown)).toBe(markdown);
});
