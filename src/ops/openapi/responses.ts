import { AppError } from '../../domain/app-error.js';
import { ERROR_CATALOG, type ErrorCode } from '../../domain/error-catalog.js';
import { problemOf, STATUS } from '../../platform/http/problem.js';
import type { ApiAnswer } from '../../platform/http/api-operation.js';
import { nameOf, refTo } from './components.js';
import type { Operation } from './read-operations.js';

export function problemExamples(operations: Operation[]): Record<string, { value: ReturnType<typeof problemOf> }> {
  const codes = [...new Set(operations.flatMap(problemsOf))].toSorted();
  return Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }]));
}

function exampleOf(code: ErrorCode) {
  const problems = code === 'INVALID_LEAD' ? [{ path: 'email', message: 'is not a valid e-mail address' }] : [];
  return problemOf(new AppError(code, ERROR_CATALOG[code].meaning, { problems }));
}

/** The responses of an operation by status: its own, and the problems that it and the hooks before it may return. */
export function responsesOf(operation: Operation): Record<string, object> {
  const responses: Record<string, object> = {};
  for (const [status, answer] of Object.entries(operation.answers)) responses[status] = responseOf(answer);
  for (const [status, codes] of byStatus(problemsOf(operation))) {
    const own = operation.answers[status];
    responses[status] = own
      ? merged(responseOf(own), problemResponse(codes))
      : { $ref: `#/components/responses/${sharedName(codes)}` };
  }
  return responses;
}

/** Responses that several operations share are defined once in the document. */
export function sharedResponses(operations: Operation[]): Record<string, Response> {
  const groups = operations.flatMap((operation) => [...byStatus(problemsOf(operation)).values()]);
  return Object.fromEntries(groups.map((codes) => [sharedName(codes), problemResponse(codes)]));
}

function byStatus(codes: ErrorCode[]): Map<number, ErrorCode[]> {
  const groups = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = exampleOf(code);
    groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return groups;
}

function sharedName(codes: ErrorCode[]): string {
  return codes.join('.');
}

export interface Response {
  description: string;
  content: Record<string, object>;
  headers?: object;
}

function problemResponse(codes: ErrorCode[]): Response {
  const { status } = exampleOf(codes[0]!);
  const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  return {
    description: codes.map((code) => `\`${code}\`: ${ERROR_CATALOG[code].meaning}`).join(' '),
    ...(status === 503 || status === 429 ? { headers: RETRY_AFTER } : {}),
    content: { 'application/problem+json': { schema: refTo('Problem'), examples } },
  };
}

function merged(own: Response, problem: Response): Response {
  return {
    ...problem,
    description: `${own.description} Or ${problem.description}`,
    content: { ...own.content, ...problem.content },
  };
}

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } };

function responseOf({ means, body, headers = {} }: ApiAnswer): Response {
  const described = Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]);
  const shared = { description: means, ...(described.length > 0 ? { headers: Object.fromEntries(described) as object } : {}) };
  if ('mediaType' in body) {
    const schema = body.mediaType === 'application/json' ? { type: 'object' } : { type: 'string' };
    return { ...shared, content: { [body.mediaType]: { schema: { ...schema, description: body.about } } } };
  }
  return { ...shared, content: { 'application/json': { schema: refTo(nameOf(body)) } } };
}

/** The operation's own problems and those of the hooks before it, ordered by status. */
function problemsOf({ access, body, query, method, path, problems }: Operation): ErrorCode[] {
  const codes: ErrorCode[] = ['CROSS_SITE', 'REQUEST_TIMEOUT', 'HEADERS_TOO_LARGE', 'UNEXPECTED', ...problems];
  if (access !== 'public') codes.push('UNAUTHENTICATED');
  if (access === 'operator') codes.push('FORBIDDEN');
  if (query || body || path.startsWith('/ops')) codes.push('BAD_REQUEST');
  if (method !== 'get') codes.push('INVALID_BODY', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE');
  return [...new Set(codes)].toSorted((a, b) => (STATUS[a] ?? 500) - (STATUS[b] ?? 500));
}
