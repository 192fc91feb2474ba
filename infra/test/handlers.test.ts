import { expect, it } from 'vitest';

// What AWS calls. They load with the SDK that the runtime brings, of which development has a copy.
it.each(['rotate-webhook-secret', 'run-migration'])('lambda/%s has the handler that the stack names', async (name) => {
  process.env['AWS_REGION'] ??= 'us-east-1';
  const { handler } = (await import(`../lambda/${name}/index.mjs`)) as { handler: unknown };
  expect(handler).toBeTypeOf('function');
});
