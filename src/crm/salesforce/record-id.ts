import { z } from 'zod';
import { to18 } from '../../domain/salesforce-id.js';

export { isIdOf, to18 } from '../../domain/salesforce-id.js';

/** An id in an answer. */
export const recordIdSchema = z.string().transform(to18);
