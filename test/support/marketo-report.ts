import type { MarketoReport } from '../../src/ops/marketo/marketo.service.js';

const AT = new Date('2026-11-27T09:00:00.000Z');

/** What the service reports; `text` stands where an operator or an admin chose it. */
export function marketoReport(text: string, count: number): MarketoReport {
  const rows = <T>(most: number, row: T): T[] => Array.from({ length: Math.min(count, most) }, () => row);
  const isOpen = count > 1;
  const stage = <Name extends MarketoReport['writeBack']['stage']['name']>(name: Name) => ({
    name,
    paused: isOpen,
    pausedBy: isOpen ? text : null,
    breaker: {
      open: isOpen,
      code: isOpen ? ('MARKETO_MISCONFIGURED' as const) : null,
      problem: isOpen ? text : null,
      openedAt: isOpen ? AT : null,
      nextCallAt: isOpen ? AT : null,
    },
    calls: count,
  });
  const window = {
    id: '1',
    requestedBy: text,
    mode: 'report' as const,
    source: 'log' as const,
    from: AT,
    to: AT,
    state: 'done' as const,
    startedAt: AT,
    endedAt: AT,
    activities: count,
    calls: 3,
    classes: { matched: count, missing: count },
    otherWebhooks: [text],
    problem: text,
  };
  const call = { marketoId: 1042, campaignId: 987, at: AT, failed: true, leadId: null, reason: text };
  return {
    configured: count > 0,
    writeBack: {
      stage: stage('marketo-sync'),
      owed: count,
      oldestOwedAt: count > 0 ? AT : null,
      sent: count,
      skipped: count,
      dead: count,
      erasures: count,
      notWritten: rows(5, { state: 'dead' as const, code: 'MARKETO_PERSON_MISMATCH' as const, count, remedy: text }),
      quota: count > 0 ? { used: count, limit: 50_000, stopsAt: 45_000, readAt: AT.toISOString() } : null,
    },
    reconciliation: {
      stage: stage('marketo-reconciliation'),
      mode: 'report',
      webhook: count > 0 ? text : null,
      comparedUntil: count > 0 ? AT : null,
      extractedUntil: null,
      missing: count,
      oldestMissingAt: count > 0 ? AT : null,
      matched: count,
      repaired: 0,
      windows: rows(20, window),
      missingCalls: rows(50, call),
    },
  };
}
