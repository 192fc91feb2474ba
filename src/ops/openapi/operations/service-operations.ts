import { LIVE, READY } from '../operator.schemas.js';
import type { Operation } from '../operation.js';

/** What orchestrators, Prometheus and readers of the document call. */
export const SERVICE_OPERATIONS: Operation[] = [
  {
    method: 'get',
    path: '/health/live',
    id: 'live',
    tag: 'Service',
    summary: 'Whether the process answers',
    access: 'everybody',
    answers: { 200: { means: 'It does.', body: LIVE } },
    problems: [],
  },
  {
    method: 'get',
    path: '/health/ready',
    id: 'ready',
    tag: 'Service',
    summary: 'Whether the process can do its work',
    description: 'An api is ready while it can acknowledge, by the ledger or by the spool; a worker while it can make progress.',
    access: 'everybody',
    answers: {
      200: { means: 'It is ready.', body: READY },
      503: { means: 'It is not; the body says what is down.', body: READY },
    },
    problems: [],
  },
  {
    method: 'get',
    path: '/metrics',
    id: 'metrics',
    tag: 'Service',
    summary: 'The metrics, for Prometheus',
    description: 'Gauges come from the ledger and are the same from every process; counters and histograms are of this process.',
    access: 'viewer',
    answers: { 200: { means: 'The text format of Prometheus, 0.0.4.', body: { mediaType: 'text/plain', about: 'Metrics' } } },
    problems: [],
  },
  {
    method: 'get',
    path: '/openapi.json',
    id: 'openapi',
    tag: 'Service',
    summary: 'This document',
    access: 'viewer',
    answers: { 200: { means: 'OpenAPI 3.1.', body: { mediaType: 'application/json', about: 'An OpenAPI document' } } },
    problems: [],
  },
  {
    method: 'get',
    path: '/docs',
    id: 'docs',
    tag: 'Service',
    summary: 'This document as a page',
    description:
      'Off with ENV=REAL unless API_DOCS=on. A browser sends the token as the password of its own prompt, under any name.',
    access: 'viewer',
    answers: { 200: { means: 'One page without scripts.', body: { mediaType: 'text/html', about: 'The page' } } },
    problems: ['NOT_FOUND'],
  },
];
