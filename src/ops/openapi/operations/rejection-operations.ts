import { pageSchema, replayQuerySchema } from '../../rejections/rejections.controller.js';
import { JSON_TYPE, type Operation } from '../operation.js';
import { ACKNOWLEDGED, CORRECTION, REJECTION_PAGE, REPLAY_REJECTIONS, REPLAYED_REJECTIONS } from '../operator.schemas.js';

const tag = 'Rejections';

/** Authenticated requests that were refused for their content. An api has them; a process with ROLE=worker takes no webhooks. */
export const REJECTION_OPERATIONS: Operation[] = [
  {
    method: 'get',
    path: '/ops/rejections',
    id: 'listRejections',
    tag,
    summary: 'Requests that were refused for their content (400, 413, 415), newest first',
    access: 'viewer',
    query: pageSchema,
    answers: { 200: { means: 'A page.', body: REJECTION_PAGE } },
    problems: ['LEDGER_UNAVAILABLE'],
  },
  {
    method: 'post',
    path: '/ops/rejections/replay',
    id: 'replayRejections',
    tag,
    summary: 'Replays those that are still open, oldest first',
    access: 'operator',
    body: { component: REPLAY_REJECTIONS, mediaTypes: [JSON_TYPE], required: false },
    answers: { 200: { means: 'What became of each.', body: REPLAYED_REJECTIONS } },
    problems: ['LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED'],
  },
  {
    method: 'post',
    path: '/ops/rejections/{id}/replay',
    id: 'replayRejection',
    tag,
    summary: 'Replays one, with corrected fields in the place of its own',
    access: 'operator',
    query: replayQuerySchema,
    body: { component: CORRECTION, mediaTypes: [JSON_TYPE], required: false },
    answers: { 202: { means: 'It is a lead now.', body: ACKNOWLEDGED } },
    problems: ['INVALID_LEAD', 'NOT_FOUND', 'LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED'],
  },
];
