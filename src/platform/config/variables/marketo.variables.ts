import { z } from 'zod';
import { whole, oneOf, url, type Variable } from './variable.js';

/** Write-back to Marketo, and the comparison with its log. */
export const MARKETO_VARIABLES = {
  MARKETO_BASE_URL: {
    schema: url(['http:', 'https:']),
    about:
      'The endpoint of Marketo (Admin, Web Services): scores are written back and webhook calls are compared. None: neither.',
    mock: undefined,
    real: undefined,
    example: 'https://123-ABC-456.mktorest.com',
  },
  MARKETO_CLIENT_ID: {
    schema: z.string(),
    about: 'The client id of a custom service in Marketo (LaunchPoint). Required with MARKETO_BASE_URL, as is the secret.',
    mock: undefined,
    real: undefined,
  },
  MARKETO_CLIENT_SECRET: {
    schema: z.string(),
    about: 'The client secret of that custom service.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  MARKETO_FIELD_MAP: {
    schema: z.string(),
    about:
      'A JSON file that maps scores to fields in Marketo, and the webhook to fields. `npx revenueflow marketo check` checks it.',
    mock: undefined,
    real: undefined,
    mockNote: 'src/marketo/default-field-map.json',
    realNote: 'src/marketo/default-field-map.json',
  },
  MARKETO_WEBHOOK: {
    schema: z.string(),
    about: 'The name or id of our webhook in Marketo. Without it the webhook calls are not compared with the ledger.',
    mock: undefined,
    real: undefined,
    example: 'RevenueFlow',
  },
  MARKETO_RECONCILE: {
    schema: oneOf(['off', 'report', 'repair']),
    about: 'What the comparison of webhook calls does: count those that did not arrive, or also take their leads in.',
    mock: 'report',
    real: 'report',
  },
  MARKETO_EXTRACT: {
    schema: oneOf(['nightly', 'off']),
    about: 'Whether each day of the log of webhook calls is also read as a whole, by a bulk extract after midnight in UTC.',
    mock: 'nightly',
    real: 'nightly',
  },
  MARKETO_REPAIR_LIMIT: {
    schema: whole(1, 100_000),
    about: 'Leads that one run of the comparison takes in at most; the others are left to the next run.',
    mock: '1000',
    real: '1000',
  },
  MARKETO_CALLS_PER_20_SECONDS: {
    schema: whole(1, 100),
    about: 'Calls of Marketo within 20 seconds, of all processes. Marketo allows 100 to all its integrations together.',
    mock: '50',
    real: '50',
  },
  MARKETO_DAILY_CALLS: {
    schema: whole(1, 100_000_000),
    about: 'The calls of a day that Marketo allows to all its integrations together.',
    mock: '50000',
    real: '50000',
  },
  MARKETO_STOP_PERCENT: {
    schema: whole(1, 100),
    about: 'The share of those calls at which this service stops until midnight in Chicago and leaves the rest to others.',
    mock: '90',
    real: '90',
  },
  MARKETO_ERASE: {
    schema: oneOf(['clear', 'leave']),
    about: 'Whether an erasure clears the fields in Marketo that this service wrote, or leaves them.',
    mock: 'clear',
    real: 'clear',
  },
} as const satisfies Record<string, Variable>;
