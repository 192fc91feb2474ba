import type { z } from 'zod';
import type { ErrorCode } from '../../domain/error-catalog.js';

/**
 * Who may call an operation: everybody, whoever has a webhook secret, or a token of OPS_TOKENS that has at least this role.
 * The test of access walks all operations, so what stands here is what the service does.
 */
export type Access = 'everybody' | 'webhook' | 'viewer' | 'operator';

/** A component of the document: a schema with a name and values that it takes, which are printed as its examples. */
export interface Component {
  name: string;
  schema: z.ZodType;
  examples: unknown[];
}

export interface Answer {
  /** What it means for the caller. */
  means: string;
  body: Component | { mediaType: string; about: string };
}

/** One route, as the document describes it. */
export interface Operation {
  method: 'get' | 'post' | 'patch';
  /** As OpenAPI writes it, e.g. `/ops/leads/{id}`. */
  path: string;
  /** A name for generated clients. */
  id: string;
  tag: 'Webhooks' | 'Leads' | 'Dead letters' | 'Rejections' | 'Queues' | 'People' | 'Service';
  summary: string;
  description?: string;
  access: Access;
  query?: z.ZodObject;
  body?: { component: Component; mediaTypes: string[]; required: boolean };
  answers: Record<number, Answer>;
  /** The codes of the problems that it answers, besides those that every operation may. */
  problems: ErrorCode[];
}

export const JSON_TYPE = 'application/json';
export const FORM_TYPE = 'application/x-www-form-urlencoded';
