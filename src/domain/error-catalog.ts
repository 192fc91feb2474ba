import type { ErrorClass } from './errors/catalog-entry.js';
import { DOWNSTREAM_ERRORS } from './errors/downstream.errors.js';
import { REQUEST_ERRORS } from './errors/request.errors.js';
import { SERVICE_ERRORS } from './errors/service.errors.js';

export type { ErrorClass } from './errors/catalog-entry.js';

/** Every error code of the service. docs/errors.md is generated from this list. */
export const ERROR_CATALOG = { ...REQUEST_ERRORS, ...DOWNSTREAM_ERRORS, ...SERVICE_ERRORS };

export type ErrorCode = keyof typeof ERROR_CATALOG;

export function classOf(code: ErrorCode): ErrorClass {
  return ERROR_CATALOG[code].class;
}
