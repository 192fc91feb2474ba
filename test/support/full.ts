import { inject } from 'vitest';
import { hasRedis } from './database.js';

/**
 * True in `npm run test:full`, which also runs slow tests and variants of tested behaviour; and in trials of faults,
 * which start services without Vitest.
 */
export const FULL = process.env['VITEST'] === undefined || inject('full');

export type BackendKind = 'redis' | 'postgres';

/** The queue backends for a test that works on either: both in the full run, otherwise the default of this machine. */
export const BACKENDS: readonly BackendKind[] = FULL ? ['redis', 'postgres'] : [hasRedis() ? 'redis' : 'postgres'];
