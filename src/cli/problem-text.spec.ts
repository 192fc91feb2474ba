import { describe, expect, it } from 'vitest';
import { exitCodeOf, problemText } from './problem-text.js';

describe('a problem of the service', () => {
  it('speaks of commands', () => {
    const detail = 'No dead letter has this id. GET /ops/dead-letters lists them; GET /ops/leads/:id shows any lead.';
    expect(problemText(404, { detail }, true)).toBe(
      'No dead letter has this id. `revenueflow dead-letters list` lists them; `revenueflow leads get <id>` shows any lead.',
    );
  });

  it('names each field once', () => {
    const errors = [{ path: 'email', message: 'is required' }];
    expect(problemText(400, { detail: 'A parameter is not valid.', errors }, true)).toBe(
      'A parameter is not valid.\n  email: is required',
    );
    expect(problemText(400, { detail: 'Nothing was stored. email: is required.', errors }, true)).not.toContain('\n');
  });

  it('about the token says what to set', () => {
    expect(problemText(401, {}, false)).toMatch(/needs a token. Set REVENUEFLOW_TOKEN/);
    expect(problemText(401, {}, true)).toMatch(/refuses the token/);
  });

  it.each([
    [400, 2],
    [401, 4],
    [403, 4],
    [404, 3],
    [409, 1],
    [429, 1],
    [500, 1],
    [503, 5],
    [0, 5],
  ])('with status %i ends with exit code %i', (status, code) => expect(exitCodeOf(status)).toBe(code));
});
