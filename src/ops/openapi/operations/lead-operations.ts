import { filterSchema } from '../../leads.controller.js';
import { JOURNEY, LEAD_PAGE, LEAD_SEARCH } from '../lead.schemas.js';
import { JSON_TYPE, type Operation } from '../operation.js';

/** Where is this lead, and why this score. */
export const LEAD_OPERATIONS: Operation[] = [
  {
    method: 'get',
    path: '/ops/leads',
    id: 'listLeads',
    tag: 'Leads',
    summary: 'The leads, newest first',
    access: 'viewer',
    query: filterSchema,
    answers: { 200: { means: 'A page.', body: LEAD_PAGE } },
    problems: ['LEDGER_UNAVAILABLE'],
  },
  {
    method: 'post',
    path: '/ops/leads/search',
    id: 'searchLeads',
    tag: 'Leads',
    summary: 'The leads of a person',
    description: 'A POST, so that the address does not end in the access logs of a proxy.',
    access: 'viewer',
    body: { component: LEAD_SEARCH, mediaTypes: [JSON_TYPE], required: true },
    answers: { 200: { means: 'A page.', body: LEAD_PAGE } },
    problems: ['LEDGER_UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/ops/leads/{id}',
    id: 'getLead',
    tag: 'Leads',
    summary: 'The journey of a lead: where it is, why it has its score, all that happened',
    access: 'viewer',
    answers: { 200: { means: 'The journey.', body: JOURNEY } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  },
];
