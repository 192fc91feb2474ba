import type { Operation } from '../operation.js';
import { costsSchema } from '../../costs.controller.js';
import { windowSchema } from '../../sla.controller.js';
import { QUEUE_CONTROL, QUEUES } from '../operator.schemas.js';
import { COSTS_REPORT, SLA_REPORT } from '../report.schemas.js';

const tag = 'Queues';

/** What waits, what is stopped and by whom. */
export const QUEUE_OPERATIONS: Operation[] = [
  {
    method: 'get',
    path: '/ops/queues',
    id: 'listQueues',
    tag,
    summary: 'The queues: what is in them, paused or not, and their breakers',
    access: 'viewer',
    answers: { 200: { means: 'Both queues.', body: QUEUES } },
    problems: ['LEDGER_UNAVAILABLE', 'QUEUE_UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/ops/sla',
    id: 'getSla',
    tag,
    summary: 'Speed to lead, breaches, what waits and until when',
    access: 'viewer',
    query: windowSchema,
    answers: { 200: { means: 'The report.', body: SLA_REPORT } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/ops/costs',
    id: 'getCosts',
    tag,
    summary: 'What the models have cost, by day',
    access: 'viewer',
    query: costsSchema,
    answers: { 200: { means: 'A row a day, provider and model; the newest day first.', body: COSTS_REPORT } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  },
  {
    method: 'post',
    path: '/ops/queues/{name}/pause',
    id: 'pauseQueue',
    tag,
    summary: 'Workers stop taking leads of the stage within a second; those in hand are finished',
    description: 'It holds across restarts, deployments and a wiped Redis, until somebody resumes.',
    access: 'operator',
    answers: { 200: { means: 'Paused.', body: QUEUE_CONTROL } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  },
  {
    method: 'post',
    path: '/ops/queues/{name}/resume',
    id: 'resumeQueue',
    tag,
    summary: 'Workers go on',
    access: 'operator',
    answers: { 200: { means: 'Resumed.', body: QUEUE_CONTROL } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  },
];
