import { z } from 'zod';
import { apiSchema } from '../platform/http/api-operation.js';

const status = z.enum(['up', 'down']);
export const liveSchema = apiSchema('Live', z.object({ status: z.literal('up') }), { status: 'up' });
export const readySchema = apiSchema(
  'Ready',
  z.object({
    status,
    role: z.enum(['api', 'worker', 'all']),
    dependencies: z.object({
      postgres: status,
      queue: status,
      progress: status.optional().describe('Whether the worker’s stages get on with their work; an api has none.'),
    }),
  }),
  { status: 'up', role: 'all', dependencies: { postgres: 'up', queue: 'up', progress: 'up' } },
);
