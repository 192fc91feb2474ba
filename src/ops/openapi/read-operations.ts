import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { z } from 'zod';
import { API_OPERATION, API_TAG, JSON_TYPE, type ApiOperationOptions } from '../../platform/http/api-operation.js';
import type { Access } from '../../platform/http/access.js';
import { routeSchemas } from '../../platform/http/schema.pipe.js';

/** One route, as described in the document. */
export interface Operation extends Omit<ApiOperationOptions, 'problems' | 'mediaTypes' | 'body'> {
  method: 'get' | 'post' | 'patch';
  /** In OpenAPI's form, e.g. `/ops/leads/{id}`. */
  path: string;
  tag: string;
  access: Access;
  query?: z.ZodType;
  /** `required` where the schema refuses an empty object, which is how a missing body is parsed. */
  body?: { schema: z.ZodType; mediaTypes: string[]; required: boolean };
  problems: NonNullable<ApiOperationOptions['problems']>;
}

/** The described operations of the controllers, in source order. */
export function operationsOf(controllers: Type[]): Operation[] {
  return controllers.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype)
      .map((name) => operationOf(controller, name))
      .filter((operation) => operation !== null),
  );
}

function operationOf(controller: Type, name: string): Operation | null {
  const handler = (controller.prototype as Record<string, object>)[name]!;
  const options = Reflect.getMetadata(API_OPERATION, handler) as ApiOperationOptions | undefined;
  if (!options) return null;
  const { problems = [], mediaTypes = [JSON_TYPE], body: parsed, ...described } = options;
  const { query, body: declared } = routeSchemas(controller, name);
  const body = parsed ?? declared;
  const config = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) as { access: Access } | undefined;
  return {
    ...described,
    method: RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as number]!.toLowerCase() as Operation['method'],
    path: pathOf(Reflect.getMetadata(PATH_METADATA, controller) as string, Reflect.getMetadata(PATH_METADATA, handler) as string),
    tag: Reflect.getMetadata(API_TAG, controller) as string,
    access: config?.access ?? 'operator',
    ...(query ? { query } : {}),
    ...(body ? { body: { schema: body, mediaTypes, required: !body.safeParse({}).success } } : {}),
    problems,
  };
}

function pathOf(prefix: string, own: string): string {
  const parts = `${prefix}/${own}`.split('/').filter((part) => part !== '');
  return `/${parts.join('/')}`.replaceAll(/:(\w+)/g, '{$1}');
}
