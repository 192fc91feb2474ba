import { ERROR_CATALOG, type ErrorCode } from '../domain/error-catalog.js';
import type { Stage } from '../domain/lead-state.js';

export const BREAKER_STATES = ['closed', 'open', 'half-open', 'recovering'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

export type BreakerReason = 'dependency-down' | 'rate-limited' | 'configuration';

/** A row of flow.stages: the state of a stage that all processes share. */
export interface StageRow {
  stage: Stage;
  pausedAt: Date | null;
  pausedBy: string | null;
  breaker: BreakerState;
  reason: BreakerReason | null;
  code: ErrorCode | null;
  /** The message of the error that opened the breaker, or of the last failed probe. */
  message: string | null;
  /** The downstream's answer to that call, shortened and without personal data. */
  answer: string | null;
  openedAt: Date | null;
  trips: number;
  probeAt: Date | null;
  probeBy: string | null;
  /** Milliseconds since the probe succeeded, by the database's clock. */
  recoveringMs: number | null;
  /** Milliseconds until the next probe, by the database's clock; negative where it is due. */
  probeInMs: number | null;
  lastSuccessAt: Date | null;
  /** Share of the configured rate that is in use now, 0 to 1. */
  rateShare: number;
}

const SHARED_FAILURE =
  'Several leads failed alike, so a setting of the downstream is at fault: correct the field, rule or permission that this names.';

/** Why the breaker is open and what to do about it, in words; null where it is closed. */
export function whyOpen({ reason, code, message }: Pick<StageRow, 'reason' | 'code' | 'message'>): string | null {
  if (!code) return null;
  const { class: meantFor, meaning, remedy } = ERROR_CATALOG[code];
  // A record error that several leads share is a configuration error.
  const whatToDo = reason === 'configuration' && meantFor !== reason ? SHARED_FAILURE : remedy;
  return `${message ?? meaning} ${whatToDo}`;
}

/** A halved rate is back at its full value after this time. */
const GROWS_BACK_SECONDS = 60;

export const RATE_SHARE = `least(1, slowed_to + coalesce(extract(epoch FROM now() - slowed_at), 0) / ${GROWS_BACK_SECONDS})`;

export const STAGE_COLUMNS = `stage, paused_at AS "pausedAt", paused_by AS "pausedBy", breaker, reason, code, message, answer,
  opened_at AS "openedAt", trips, probe_at AS "probeAt", probe_by AS "probeBy",
  (extract(epoch FROM clock_timestamp() - recovered_at) * 1000)::float AS "recoveringMs",
  (extract(epoch FROM probe_at - clock_timestamp()) * 1000)::float AS "probeInMs",
  last_success_at AS "lastSuccessAt", (${RATE_SHARE})::float AS "rateShare"`;
