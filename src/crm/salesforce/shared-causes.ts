import type { AppError } from '../../domain/app-error.js';
import type { Clock } from '../../platform/clock.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import { asOwnFault } from './errors.js';

export type Act = 'create' | 'update' | 'member';

const REMEMBERED_MS = 3_600_000;
const SIGNATURES = 200;
/** So many failures alike, and no record passes meanwhile: the setting is suspected again, whatever passed before. */
const SUSPECTED_AGAIN_AT = 10;

interface Suspicion {
  since: number;
  /** Failures since the last record passed, and when that was. */
  failures: number;
  passedAt: number;
}

/**
 * Decides by evidence whether a setting of the org may be behind a record's error. It is suspected until another record
 * of the same kind passes; from then on the error is the record's own fault, unless many fail alike and none passes.
 */
export class SharedCauses {
  private readonly suspicions: ExpiringCache<Suspicion>;
  private readonly passedAt: Record<Act, number> = { create: 0, update: 0, member: 0 };

  constructor(private readonly clock: Clock) {
    this.suspicions = new ExpiringCache(REMEMBERED_MS, SIGNATURES, clock);
  }

  /** @param othersPass records of the same call were written. */
  judge(act: Act, error: AppError, othersPass: boolean): AppError {
    // A record that always ends in an unexpected error must not count as an outage each time.
    const suspected = error.signature ?? (error.code === 'CRM_UNAVAILABLE' ? error.code : undefined);
    if (suspected === undefined) return error;
    if (othersPass) return asOwnFault(error);
    const key = `${act} ${suspected}`;
    const passedAt = this.passedAt[act];
    const now = this.clock.now();
    const known = this.suspicions.get(key) ?? { since: now, failures: 0, passedAt };
    const disproved = passedAt > known.since;
    const failures = known.passedAt === passedAt ? known.failures + 1 : 1;
    const again = disproved && failures >= SUSPECTED_AGAIN_AT;
    this.suspicions.set(key, again ? { since: now, failures: 0, passedAt } : { since: known.since, failures, passedAt });
    return disproved && !again ? asOwnFault(error) : error;
  }

  /** A call that began then wrote records: what was suspected before it does not stop every record. */
  passed(act: Act, beganAt: number): void {
    this.passedAt[act] = Math.max(this.passedAt[act], beganAt);
  }
}
