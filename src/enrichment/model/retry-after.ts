/** How long a model asks us to wait, read from wherever its API says so; undefined where it does not. */
export function retryAfterOf(
  headers: Record<string, string> | undefined,
  body: string | undefined,
  now: number,
): number | undefined {
  return fromHeaders(headers ?? {}, now) ?? fromBody(body ?? '', now);
}

const MAX_WAIT_MS = 26 * 3_600_000;
const BEDROCK_DAY_WAIT_MS = 3_600_000;

function fromHeaders(headers: Record<string, string>, now: number): number | undefined {
  const ms = Number(headers['retry-after-ms']);
  if (headers['retry-after-ms'] && Number.isFinite(ms) && ms >= 0) return Math.min(ms, MAX_WAIT_MS);
  const value = headers['retry-after']?.trim();
  if (!value) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(value)) return Math.min(Number(value) * 1000, MAX_WAIT_MS);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - now, 0), MAX_WAIT_MS);
}

/**
 * Gemini says it in the error's details: RetryInfo for the short limits. A quota "PerDay" stays used up until midnight
 * in California, whatever RetryInfo says beside it (https://ai.google.dev/gemini-api/docs/rate-limits).
 */
function fromBody(body: string, now: number): number | undefined {
  if (/"quotaId"\s*:\s*"[^"]*PerDay/i.test(body)) return untilMidnightPacific(now);
  if (/too many tokens per day/i.test(body)) return BEDROCK_DAY_WAIT_MS;
  const seconds = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(body)?.[1] ?? /retry in (\d+(?:\.\d+)?)\s*s\b/i.exec(body)?.[1];
  return seconds === undefined ? undefined : Math.min(Math.ceil(Number(seconds) * 1000), MAX_WAIT_MS);
}

const PACIFIC = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/Los_Angeles',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
});

const HOUR = 3_600_000;

/** Milliseconds until the next midnight in California; a day there has 23, 24 or 25 hours. */
export function untilMidnightPacific(now: number): number {
  const today = pacificDay(now);
  let before = now;
  let after = now + HOUR;
  while (pacificDay(after) === today) [before, after] = [after, after + HOUR];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (pacificDay(middle) === today) before = middle;
    else after = middle;
  }
  return after - now;
}

function pacificDay(at: number): string {
  const parts = PACIFIC.formatToParts(at);
  const part = (type: string) => parts.find((candidate) => candidate.type === type)!.value;
  return `${part('year')}-${part('month')}-${part('day')}`;
}
