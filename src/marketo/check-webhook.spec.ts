import { describe, expect, it } from 'vitest';
import { rejectedKindOf } from '../ledger/rejected-body.js';
import { arrivalFindings, loggedFindings } from './check-webhook.js';
import type { MarketoActivity } from './client/marketo-api.js';

const call = (error: string | null, response: string | null = null, campaignId = 12): MarketoActivity => ({
  marketoGUID: '1',
  leadId: 1,
  activityDate: '2026-11-27T10:00:00Z',
  campaignId,
  attributes: [
    ...(error === null ? [] : [{ name: 'Error Type', value: error }]),
    ...(response === null ? [] : [{ name: 'Response', value: response }]),
  ],
});
const problemBody = (status: number, code: string) => JSON.stringify({ type: 'about:blank', status, code });

describe('the log of webhook calls', () => {
  it.each([
    ['Unauthorized', null, 'secret header', 'X-Webhook-Secret'],
    // HTTP/2 has no reason phrase; the answer says the same.
    ['Error', problemBody(401, 'UNAUTHORIZED'), 'secret header', 'X-Webhook-Secret'],
    ['Not Found', '<html>', 'URL', '/leads'],
    ['Method Not Allowed', null, 'URL', '/leads'],
    ['java.net.UnknownHostException: leads.example', null, 'URL', '/leads'],
    ['SSL handshake failed', null, 'URL', 'certificate'],
    ['Moved Permanently', null, 'URL', 'redirect'],
    ['Bad Request', problemBody(400, 'INVALID_JSON'), 'template', 'rejections'],
    ['1000', null, 'batch campaigns', 'trigger campaigns'],
    ['1001', null, 'response mappings', 'Response Mappings'],
    ['Error in response mapping', '{"leadId":"x"}', 'response mappings', 'JSON'],
    ['Forbidden', null, 'proxy', 'firewall'],
    ['Request Entity Too Large', null, 'proxy', '64 KiB'],
    ['Read timed out', null, 'timeouts', 'reconcile'],
    ['Service Unavailable', null, 'service', '--repair'],
    ['Something new', null, 'other errors', 'reconcile'],
    [null, '<html>Welcome</html>', 'URL', 'leadId'],
  ])('with %j and the answer %j is a finding about the %s', (error, response, subject, remedy) => {
    const good = call(null, '{"status":"accepted","leadId":"x"}');
    const lines = loggedFindings([good, call(error, response), good]);
    expect(lines).toMatchObject([{ subject, detail: expect.stringContaining(remedy) }]);
    expect(lines[0]!.detail).toContain('1 of 3 calls');
  });

  it('is no finding where each call succeeded, with the answer in the log or without it', () => {
    expect(loggedFindings([call(null, '{"status":"duplicate","leadId":"x"}'), call(null), call('')])).toEqual([]);
  });

  it('names some campaigns', () => {
    const [line] = loggedFindings(Array.from({ length: 8 }, (_, n) => call('1000', null, n + 1)));
    expect(line!.detail).toContain('campaigns 1, 2, 3, 4, 5 and 3 more');
  });
});

describe('a rejected body', () => {
  it.each([
    ['{"email": ann@acme.com, "name": Ann Lee}', 'unquoted-value'],
    ['{"email": "ann@acme.com", "campaign_id": 12, "name": Ann}', 'unquoted-value'],
    ['{"email": ""ann@acme.com"", "name": ""Ann""}', 'doubled-quotes'],
    ['{"email": "{{lead.Email Address}}"}', 'unresolved-token'],
    ['{"email": {{lead.Emial}}, "name": "Ann"}', 'unresolved-token'],
    ['{"email": ann%40acme.com}', 'url-encoded'],
    ['{"email": , "name": "Ann"}', 'empty-value'],
    ['{"email": "no address", "n": -1.5, "ok": true, "none": null}', 'other'],
    ['{"email": "", "name": "Ann: a title"}', 'other'],
  ])('%s is %s', (body, kind) => {
    expect(rejectedKindOf(body)).toBe(kind);
  });
});

describe('what arrived', () => {
  const nothing = { leads: 0, withMarketoId: 0, unresolved: [], rejected: [] };

  it.each([
    [{ ...nothing, rejected: [{ kind: 'unquoted-value' as const, count: 3 }] }, 5, 'problem', 'it is None'],
    [{ ...nothing, leads: 2, withMarketoId: 2, unresolved: [{ field: 'company', count: 2 }] }, 5, 'problem', 'company (2 leads)'],
    [nothing, 5, 'problem', 'no new lead and no rejected request'],
    [{ ...nothing, leads: 9 }, 5, 'note', '{{lead.Id}}'],
    [{ ...nothing, leads: 9, withMarketoId: 9 }, 5, 'ok', '9 with marketo_id'],
  ])('%j is a finding', (arrivals, logged, verdict, detail) => {
    expect(arrivalFindings(arrivals, logged)).toContainEqual(
      expect.objectContaining({ verdict, detail: expect.stringContaining(detail) }),
    );
  });

  it('says nothing where nothing was sent', () => {
    expect(arrivalFindings(nothing, 0)).toEqual([]);
  });
});
