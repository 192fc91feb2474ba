import { z } from 'zod';
import { apiSchema } from '../platform/http/api-operation.js';
import { MAX_CAMPAIGN_ID, MAX_NAME } from './parse-lead.js';

export const LEAD_ID = 'db5828d4-a8ce-868b-8b1b-b40e6736011c';

/**
 * What POST /leads takes, for the API's description. parseLead decides, and says more about what is wrong: a property
 * test shows that this schema admits each body that parseLead admits.
 */
export const leadBodySchema = apiSchema(
  'Lead',
  z
    .looseObject({
      email: z.string().describe('A valid address; non-ASCII local parts and IDN domains are valid. It is trimmed.'),
      campaign_id: z
        .union([z.string().min(1), z.int()])
        .describe(`Kept as a trimmed, NFC, case-sensitive string, which must have 1 to ${MAX_CAMPAIGN_ID} characters.`),
      name: z
        .union([z.string(), z.number(), z.boolean()])
        .nullish()
        .describe(`At most ${MAX_NAME} characters when trimmed; null and empty mean absent.`),
    })
    .describe(
      'Anything else (company, title, phone, country, message, source, utm_*, marketo_id, …) is kept as an attribute: null and empty ' +
        'are dropped, nested objects flattened with dots down to 8 levels, arrays kept as JSON text, of a repeated form key the last counts.',
    ),
  { email: 'lead@enterprise.com', name: 'Alex Smith', campaign_id: 'launch_2024' },
  {
    email: 'ann+x@acme.com',
    name: 'Ann "AJ" Lee',
    campaign_id: 987,
    marketo_id: '1042',
    company: 'Jack & Jill',
    title: 'VP Sales',
    message: 'We want a demo next week.',
  },
);

export const acceptedSchema = apiSchema(
  'Accepted',
  z.union([
    z.object({ status: z.literal('accepted'), leadId: z.uuid(), duplicate: z.literal(false) }),
    z.object({
      status: z.literal('updated'),
      leadId: z.uuid(),
      duplicate: z.literal(false),
      revision: z.int().describe('Counts the different contents of this lead, from 1.'),
    }),
  ]),
  { status: 'accepted', leadId: LEAD_ID, duplicate: false },
  { status: 'updated', leadId: LEAD_ID, duplicate: false, revision: 2 },
);

export const duplicateSchema = apiSchema(
  'Duplicate',
  z.object({ status: z.literal('duplicate'), leadId: z.uuid(), duplicate: z.literal(true) }),
  { status: 'duplicate', leadId: LEAD_ID, duplicate: true },
);
