import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import type { Session } from './session.js';

/**
 * Who may call a route: everyone, a sender with one of WEBHOOK_SECRETS, or an owner of one of OPS_TOKENS with at least
 * this role.
 */
export type Access = 'public' | 'webhook' | 'viewer' | 'operator';

/** The owner of the request's token, for the audit trail. */
export interface Operator {
  name: string;
  role: 'viewer' | 'operator';
}

export interface AccessOptions {
  /** For pages: the token is also accepted as the password of HTTP Basic authentication. */
  basicAuth?: boolean;
  /** For the console: the session cookie is accepted. A request without one is redirected to the sign-in page. */
  session?: boolean;
  /** The body may have 4 MiB instead of 64 KiB: a whole configuration file, or a list. */
  largeBody?: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on routes for viewers and operators. */
    operator?: Operator;
    /** Set where the operator has signed in to the console. */
    session?: Session;
  }
  interface FastifyContextConfig extends AccessOptions {
    access?: Access;
  }
}

/** Declares who may call a handler, and how. A handler without it is for operators only. */
export const Access = (access: Access, options: AccessOptions = {}) => RouteConfig({ access, ...options });

/** The operator who sent the request. It throws on a public route, where the audit trail would have no name. */
export const CurrentOperator = createParamDecorator((_data: unknown, context: ExecutionContext): Operator => {
  const { operator } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!operator) throw new Error('The handler needs an operator, and its route has no @Access for one.');
  return operator;
});
