import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export const webhookSchema = z.strictObject({
  note: z.string().min(1),
  tags: z.array(z.string()),
  contentType: z.string(),
  expect: z.enum(['accepted', 'updated', 'duplicate', 'rejected']),
  body: z.string(),
});
export type Webhook = z.infer<typeof webhookSchema>;

export function readWebhooks(): Webhook[] {
  const text = readFileSync(join(import.meta.dirname, 'webhooks.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => webhookSchema.parse(JSON.parse(line)));
}
