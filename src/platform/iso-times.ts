/** How PostgreSQL writes a timestamp into JSON: microseconds, and an offset in place of Z. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
/** Columns and fields of ours that hold a time: `at`, `dueAt`, `received_at`. */
const TIME_FIELD = /^at$|At$|_at$/;
/** Fields of ours that hold objects of ours. Every other object has content from outside, which is shown as it came. */
const OWN_FIELDS = new Set(['events', 'detail', 'campaignMembers']);

/**
 * A row or an event, as PostgreSQL makes it JSON, with its times as all answers have them: ISO 8601, UTC,
 * milliseconds. The attributes of a lead stay as they are, also where they look like times.
 */
export function withIsoTimes<T extends Record<string, unknown>>(row: T): T {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isoOf(name, value)])) as T;
}

function isoOf(name: string, value: unknown): unknown {
  if (typeof value === 'string') return TIME_FIELD.test(name) && TIMESTAMP.test(value) ? new Date(value).toISOString() : value;
  if (!OWN_FIELDS.has(name) || typeof value !== 'object' || value === null) return value;
  return Array.isArray(value)
    ? value.map((item: Record<string, unknown>) => withIsoTimes(item))
    : withIsoTimes(value as Record<string, unknown>);
}
