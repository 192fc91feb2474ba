/**
 * How long the header Retry-After asks to wait, in milliseconds: it has seconds, or the time until which to wait
 * (RFC 9110, 10.2.3).
 */
export function retryAfterOf(response: Response): number | undefined {
  const header = response.headers.get('retry-after')?.trim() ?? '';
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1000 : Math.max(0, Date.parse(header) - Date.now());
  return Number.isNaN(waitMs) ? undefined : waitMs;
}
