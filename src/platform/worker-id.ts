import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Identifies this process in its claims. Random, because a restarted container has the same host name and pid. */
export const WORKER_ID = `${hostname()}/${process.pid}/${randomBytes(4).toString('hex')}`;

/** Injects the name of this process. */
export const WORKER_NAME = Symbol('Worker name');
