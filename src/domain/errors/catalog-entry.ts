/**
 * What an error means for its lead; `pipeline/retry-policy.ts` decides by the class what happens next.
 *
 * - `input`: the sender's request is wrong; nothing was stored.
 * - `permanent`: this record will never succeed as it is: dead letter at once.
 * - `transient`: this record may succeed later: retried, then dead letter.
 * - `dependency-down`: the downstream is unreachable or broken for everyone.
 * - `rate-limited`: the downstream works and asks us to wait; no attempt is counted.
 * - `configuration`: the downstream refuses every record: a key, a permission or a setting is wrong.
 * - `fallback`: a retry would not change the answer: the stage continues with a fallback.
 * - `startup`: the service cannot run as it is configured.
 * - `internal`: a condition inside the service, not the lead's fault.
 */
export type ErrorClass =
  | 'input'
  | 'permanent'
  | 'transient'
  | 'dependency-down'
  | 'rate-limited'
  | 'configuration'
  | 'fallback'
  | 'startup'
  | 'internal';

export interface CatalogEntry {
  class: ErrorClass;
  /** What happened, for a person. */
  meaning: string;
  /** What to do about it. */
  remedy: string;
}
