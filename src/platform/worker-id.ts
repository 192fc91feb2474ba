import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Names this process in what it claims. Random, since a restarted container has the host name and the pid of the one before. */
export const WORKER_ID = `${hostname()}/${process.pid}/${randomBytes(4).toString('hex')}`;

/** Injects the name of this process. */
export const WORKER_NAME = Symbol('Worker name');
