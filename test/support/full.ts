import { inject } from 'vitest';
import { hasRedis } from './database.js';

/** True in `npm run test:full`, which also runs what is slow or repeats a behaviour under other circumstances. */
export const FULL = inject('full');

export type BackendKind = 'redis' | 'postgres';

/** The queue backends of a test that does not depend on which it is: all in the full run, else the default of this machine. */
export const BACKENDS: readonly BackendKind[] = FULL ? ['redis', 'postgres'] : [hasRedis() ? 'redis' : 'postgres'];
