import { z } from 'zod';
import { MIN_SECRET, whole, url, type Variable } from './variable.js';

/** Owners of leads, and notices to them. */
export const ROUTING_VARIABLES = {
  ROUTING_RULES: {
    schema: z.string(),
    about:
      'A JSON file that says who owns a new lead (docs/routing.md). Checked at the start. Without it the CRM assigns owners.',
    mock: undefined,
    real: undefined,
    mockNote: 'none: owners are left to the CRM',
    realNote: 'none: owners are left to the CRM',
  },
  FIRST_TOUCH_POLL_SECONDS: {
    schema: whole(0, 86_400),
    about:
      'How often Salesforce is asked whether people acted on leads whose clock runs, in seconds; 0: only before a step of the clock. One API call per 1,000 leads.',
    mock: '60',
    real: '60',
  },
  NOTICES_SLACK_URL: {
    schema: url(['http:', 'https:']),
    about:
      "Where owners are notified of their leads, in the format of Slack's incoming webhooks. Notices name the company and the reasons for the score, and no person.",
    mock: undefined,
    real: undefined,
    example: 'https://hooks.slack.com/services/…',
    secret: true,
  },
  NOTICES_WEBHOOK_URL: {
    schema: url(['http:', 'https:']),
    about:
      'Where the same notices are posted as JSON, signed with NOTICES_SECRET by the rules of Standard Webhooks (docs/first-touch.md).',
    mock: undefined,
    real: undefined,
    example: 'https://hooks.example.com/leads',
    secret: true,
  },
  NOTICES_SECRET: {
    schema: z.string().refine((value) => value.split(',').every((secret) => secret.trim().length >= MIN_SECRET), {
      error: `has a secret shorter than ${MIN_SECRET} characters`,
    }),
    about: `Signs NOTICES_WEBHOOK_URL and the links Claim, Not mine and Junk; at least ${MIN_SECRET} characters. Two, separated by a comma, while the first replaces the second. Without it notices have no such links.`,
    mock: undefined,
    real: undefined,
    secret: true,
  },
} as const satisfies Record<string, Variable>;
