import type { Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import type { z } from 'zod';

export interface RouteSchemas {
  body?: z.ZodType;
  query?: z.ZodType;
}

/** The schemas of a handler's `@Body({ schema })` and `@Query({ schema })`. */
export function routeSchemas(controller: Type, handler: string): RouteSchemas {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handler) ?? {}) as Record<string, { schema?: z.ZodType }>;
  const schemas: RouteSchemas = {};
  for (const [key, { schema }] of Object.entries(args)) {
    if (!schema) continue;
    if (key.startsWith(`${RouteParamtypes.BODY}:`)) schemas.body = schema;
    if (key.startsWith(`${RouteParamtypes.QUERY}:`)) schemas.query = schema;
  }
  return schemas;
}
