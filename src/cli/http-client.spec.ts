import { afterEach, expect, it, vi } from 'vitest';
import { ServiceClient } from './http-client.js';
import { pagesOf } from './paging.js';
import { readInstant, readSince } from './read-since.js';

afterEach(() => vi.unstubAllGlobals());

const client = new ServiceClient({ url: 'https://rf.example.com' });
const failing = (code: string) => () =>
  Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) }));
const answering =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  () =>
    Promise.resolve(new Response(body, { status, headers }));

it.each([
  [failing('ERR_SSL_WRONG_VERSION_NUMBER'), /does not speak https/],
  [failing('DEPTH_ZERO_SELF_SIGNED_CERT'), /certificate is not trusted/],
  [failing('CERT_HAS_EXPIRED'), /certificate is not trusted/],
  [failing('ENOTFOUND'), /host is not known/],
  [failing('UND_ERR_SOCKET'), /is at https/],
  [failing('ECONNREFUSED'), /No service answers/],
  [answering(308, '', { location: 'https://other.example/ops' }), /redirects to https:\/\/other\.example \(status 308\)/],
  [answering(200, '<html>'), /is not RevenueFlow/],
])('a wrong address is named by its cause: %s, %s', async (fetch, message) => {
  vi.stubGlobal('fetch', fetch);
  await expect(client.post('/ops/people/erase', {})).rejects.toThrow(message);
});

it('an answer of another program is no list', async () => {
  const pages = pagesOf(() => Promise.resolve({ status: 'ok' } as never), 10);
  await expect(pages.next()).rejects.toThrow(/is not RevenueFlow/);
});

it.each(['1', 'Nov 1', '2026', '11/01/2026', 'yesterday', '2026-02-31', '9999-01-01'])('%j is no time in the past', (text) => {
  expect(() => readSince(text)).toThrow(/time in the past/);
  if (text !== '9999-01-01') expect(() => readInstant(text)).toThrow(/a time such as/);
});
