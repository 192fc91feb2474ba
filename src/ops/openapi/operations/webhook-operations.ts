import { FORM_TYPE, JSON_TYPE, type Operation } from '../operation.js';
import { ACCEPTED, DUPLICATE, LEAD } from '../webhook.schemas.js';

/** What Marketo calls. */
export const WEBHOOK_OPERATIONS: Operation[] = [
  {
    method: 'post',
    path: '/leads',
    id: 'postLead',
    tag: 'Webhooks',
    summary: 'Takes a lead',
    description:
      'A 2xx means that the lead is committed to durable storage. The id is made of the e-mail and the campaign, so the same lead always ' +
      'has the same. The body has at most 64 KiB. docs/marketo.md has the template of the webhook.',
    access: 'webhook',
    body: { component: LEAD, mediaTypes: [JSON_TYPE, FORM_TYPE], required: true },
    answers: {
      202: { means: 'A new lead, or changed content of a known one: a new revision. It is committed.', body: ACCEPTED },
      200: { means: 'The same lead with the same content is there already.', body: DUPLICATE },
    },
    problems: ['INVALID_LEAD', 'TOO_MANY_FAILED_AUTHENTICATIONS', 'LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED'],
  },
];
