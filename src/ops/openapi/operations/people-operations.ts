import { JSON_TYPE, type Operation } from '../operation.js';
import { HELD_DATA, PERSON, RECEIPT } from '../report.schemas.js';

const tag = 'People';
const body = { component: PERSON, mediaTypes: [JSON_TYPE], required: true };

/** What is held about a person, and its end; docs/privacy.md. An api has them, a worker alone has not. */
export const PEOPLE_OPERATIONS: Operation[] = [
  {
    method: 'post',
    path: '/ops/people/export',
    id: 'exportPerson',
    tag,
    summary: 'A copy of all that is held about a person',
    access: 'operator',
    body,
    answers: { 200: { means: 'Everything, as it is held.', body: HELD_DATA } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE', 'QUEUE_UNAVAILABLE'],
  },
  {
    method: 'post',
    path: '/ops/people/erase',
    id: 'erasePerson',
    tag,
    summary: 'The end of all that is held about a person',
    description: 'It can be repeated; a second time there is nothing left. Who is sent again afterwards starts anew.',
    access: 'operator',
    body,
    answers: { 200: { means: 'Erased here; the receipt says whether the CRM has done its part.', body: RECEIPT } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE', 'QUEUE_UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/ops/people/erasures/{id}',
    id: 'getErasure',
    tag,
    summary: 'A receipt once more',
    access: 'viewer',
    answers: { 200: { means: 'The receipt.', body: RECEIPT } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  },
];
