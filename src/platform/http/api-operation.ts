import { SetMetadata } from '@nestjs/common';
import { z } from 'zod';
import type { ErrorCode } from '../../domain/error-catalog.js';

/** The named schemas of the API description. */
export const API_SCHEMAS = z.registry<{ id: string }>();
/** Valid example values per schema name. A test checks each. */
export const API_EXAMPLES = new Map<string, unknown[]>();

/** Gives a schema its name and examples in the API description. */
export function apiSchema<T extends z.ZodType>(id: string, schema: T, ...examples: unknown[]): T {
  if (API_EXAMPLES.has(id)) throw new Error(`Two schemas are called ${id}.`);
  API_EXAMPLES.set(id, examples);
  API_SCHEMAS.add<z.ZodType>(schema, { id });
  return schema;
}

export const JSON_TYPE = 'application/json';
export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** What an answer with this status means to the caller. */
export interface ApiAnswer {
  means: string;
  /** A schema of API_SCHEMAS for JSON. */
  body: z.ZodType | { mediaType: string; about: string };
  headers?: Record<string, string>;
}

/**
 * What the API description states about a handler beyond its other decorators: `@Access`, the path, and the schemas of
 * `@Body` and `@Query`.
 */
export interface ApiOperationOptions {
  /** The operation's name in generated clients. */
  id: string;
  summary: string;
  description?: string;
  answers: Record<number, ApiAnswer>;
  /** The problems that it answers, beyond those that every operation may answer. */
  problems?: ErrorCode[];
  /** Set where the handler parses the body itself; otherwise the schema of `@Body` is described. */
  body?: z.ZodType;
  /** Media types of the body; default JSON. */
  mediaTypes?: string[];
}

export const API_OPERATION = Symbol('ApiOperation');
export const API_TAG = Symbol('ApiTag');

/** The group of a controller's operations in the API description. */
export const ApiTag = (tag: string) => SetMetadata(API_TAG, tag);

/** Describes a handler. A handler without it, such as a page, is not part of the API description. */
export const ApiOperation = (options: ApiOperationOptions) => SetMetadata(API_OPERATION, options);
