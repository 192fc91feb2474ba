import { describe, expect, it } from 'vitest';
import type { LeadEvent } from '../domain/lead.js';
import { leadViewOf } from './lead-view.js';

const at = (second: number) => new Date(Date.UTC(2026, 10, 27, 10, 0, second)).toISOString();

const EMPTY = {
  attributes: {},
  evidence: [],
  exchanges: [],
  timings: { receivedAt: at(0) },
  reasoning: null,
  lastError: null,
  next: null,
  routing: null,
};

function timelineOf(events: Omit<LeadEvent, 'seq'>[]) {
  const lead = { ...EMPTY, crm: null, events };
  return leadViewOf(lead as never, { masked: false, config: { CRM_PROVIDER: 'postgres', SALESFORCE_LOGIN_URL: undefined } })
    .timeline;
}
const failure = (second: number, code: string) => ({
  at: at(second),
  kind: 'attempt-failed',
  detail: { stage: 'crm-sync', attempt: 1, code, message: 'm' },
});

describe('the timeline of a page', () => {
  it('has one item for the same failure again and again', () => {
    const items = timelineOf([failure(0, 'A'), failure(1, 'A'), failure(2, 'A'), failure(5, 'B')]);
    expect(items.map(({ sentence }) => sentence)).toEqual([
      expect.stringContaining(`The same 2 times more, the last at ${at(2)}.`),
      expect.not.stringContaining('The same'),
    ]);
    expect(items[1]!.afterMs).toBe(3000);
  });

  it('shows the beginning and the end of a long history, and how much is between them', () => {
    const items = timelineOf(Array.from({ length: 600 }, (_, n) => failure(n, `CODE_${n}`)));
    expect(items).toHaveLength(81);
    expect(items[20]!.sentence).toContain('520 events are not shown');
  });
});

describe('the link into the org', () => {
  const hrefOf = (leadId: string, SALESFORCE_LOGIN_URL: string | undefined, CRM_PROVIDER: 'salesforce' | 'postgres') => {
    const crm = { provider: CRM_PROVIDER, leadId, memberId: null };
    const lead = { ...EMPTY, crm, events: [] };
    return leadViewOf(lead as never, { masked: false, config: { CRM_PROVIDER, SALESFORCE_LOGIN_URL } }).crm!.href;
  };

  it.each([
    [
      '00Q000000000001AAA',
      'https://acme.my.salesforce.com',
      'salesforce',
      'https://acme.my.salesforce.com/lightning/r/Lead/00Q000000000001AAA/view',
    ],
    ['00Q000000000001AAA', 'https://login.salesforce.com', 'salesforce', null],
    ['00Q000000000001AAA', undefined, 'postgres', null],
    ['"><script>', 'https://acme.my.salesforce.com', 'salesforce', null],
  ] as const)('of %s by %s is for %s %s', (leadId, url, provider, href) => {
    expect(hrefOf(leadId, url, provider)).toBe(href);
  });
});
