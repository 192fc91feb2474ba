import { SetMetadata } from '@nestjs/common';
import { z } from 'zod';
import type { ErrorCode } from '../../domain/error-catalog.js';

/** The schemas that the API's description names. */
export const API_SCHEMAS = z.registry<{ id: string }>();
/** By the name of the schema: values that it takes. A test checks each. */
export const API_EXAMPLES = new Map<string, unknown[]>();

/** Gives a schema its name and examples in the API's description. */
export function apiSchema<T extends z.ZodType>(id: string, schema: T, ...examples: unknown[]): T {
  if (API_EXAMPLES.has(id)) throw new Error(`Two schemas are called ${id}.`);
  API_EXAMPLES.set(id, examples);
  API_SCHEMAS.add<z.ZodType>(schema, { id });
  return schema;
}

export const JSON_TYPE = 'application/json';
export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** What an answer with this status is for the caller. */
export interface ApiAnswer {
  means: string;
  /** A schema of API_SCHEMAS for JSON. */
  body: z.ZodType | { mediaType: string; about: string };
  headers?: Record<string, string>;
}

/**
 * What the API's description says of a handler besides what its other decorators say: `@Access`, the path, and the schemas of
 * `@Body` and `@Query`.
 */
export interface ApiOperationOptions {
  /** A name for generated clients. */
  id: string;
  summary: string;
  description?: string;
  answers: Record<number, ApiAnswer>;
  /** The problems that it answers, besides those that every operation may. */
  problems?: ErrorCode[];
  /** Where the handler parses the body itself; otherwise the schema of `@Body` is described. */
  body?: z.ZodType;
  /** Of the body; by default JSON. */
  mediaTypes?: string[];
}

export const API_OPERATION = Symbol('ApiOperation');
export const API_TAG = Symbol('ApiTag');

/** The group of a controller's operations in the API's description. */
export const ApiTag = (tag: string) => SetMetadata(API_TAG, tag);

/** Describes a handler. A handler without it, such as a page, is not part of the described API. */
export const ApiOperation = (options: ApiOperationOptions) => SetMetadata(API_OPERATION, options);
