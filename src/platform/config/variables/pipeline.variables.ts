import { whole, type Variable } from './variable.js';

/** The two stages. */
export const PIPELINE_VARIABLES = {
  RETRY_ATTEMPTS: {
    schema: whole(1, 20),
    about: 'Failures of one lead in one stage before it becomes a dead letter.',
    mock: '5',
    real: '5',
  },
  RETRY_BASE_MS: {
    schema: whole(1, 600_000),
    about: 'The wait before attempt n + 1 is 2^n times this, in milliseconds.',
    mock: '1000',
    real: '1000',
  },
  SWEEP_INTERVAL_MS: {
    schema: whole(100, 3_600_000),
    about: 'How often the sweeper checks for unfinished leads whose job was lost, in milliseconds.',
    mock: '10000',
    real: '10000',
  },
  LEASE_MS: {
    schema: whole(1000, 3_600_000),
    about: "A worker's lock on a job, in milliseconds; after it another worker runs the job of a killed one.",
    mock: '60000',
    real: '60000',
  },
  CRASH_BUDGET: {
    schema: whole(1, 100),
    about:
      'Workers that may crash because of one lead, before it becomes a dead letter; at least two, since the last one runs it alone.',
    mock: '3',
    real: '3',
  },
  SPEED_TO_LEAD_SLA_SECONDS: {
    schema: whole(1, 86_400),
    about: 'The maximum time from the webhook to the CRM, in seconds; more is a breach.',
    mock: '300',
    real: '300',
  },
} as const satisfies Record<string, Variable>;
