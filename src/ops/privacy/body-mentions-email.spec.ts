import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bodyMentionsEmail } from './body-mentions-email.js';

const says = (body: string, email: string) => {
  const contentType = body.startsWith('{') ? 'application/json' : 'application/x-www-form-urlencoded';
  return bodyMentionsEmail({ body: Buffer.from(body), contentType }, email);
};

describe('a refused body mentions an address', () => {
  it.each([
    ['{"email": "ann+x@acme.com", "campaign_id": }', 'ann+x@acme.com'],
    ['{"email":"  ANN+X@Acme.COM "', 'ann+x@acme.com'],
    ['email=ann%2Bx%40acme.com&name=Ann', 'ann+x@acme.com'],
    ['email=ann+x%40acme.com', 'ann+x@acme.com'],
    ['message=write+to+ann%40acme.com', 'ann@acme.com'],
    ['{"email":"ann\\u002bx\\u0040acme.com"', 'ann+x@acme.com'],
    ['{"to":"Ann <ann@acme.com>."}', 'ann@acme.com'],
    ['Write to ann@acme.com.', 'ann@acme.com'],
    ["'ann@acme.com'", 'ann@acme.com'],
    ['{"email":"o\'brien@acme.com"', "o'brien@acme.com"],
    ['{"email":"jürgen@müller.de"', 'jürgen@xn--mller-kva.de'],
    ['{"email":"ju\u0308rgen@MU\u0308LLER.de"', 'jürgen@xn--mller-kva.de'],
    ['email=j%C3%BCrgen%40m%C3%BCller.de', 'jürgen@xn--mller-kva.de'],
    ['ann@acme.com', 'ann@acme.com'],
  ])('%s', (body, email) => expect(says(body, email)).toBe(true));

  it.each([
    ['{"email":"joann@acme.com"}', 'ann@acme.com'],
    ['{"email":"jo.ann@acme.com"}', 'ann@acme.com'],
    ['{"email":"x+ann@acme.com"}', 'ann@acme.com'],
    ['{"email":"ann@acme.com.au"}', 'ann@acme.com'],
    ['{"email":"ann@acme.co"}', 'ann@acme.com'],
    ['{"email": , "name": "ann"}', 'ann@acme.com'],
    ['@acme.com', 'ann@acme.com'],
    ['', 'ann@acme.com'],
  ])('and not in %s', (body, email) => expect(says(body, email)).toBe(false));

  const address = 'vic@xn--mller-kva.example';
  const json = '{"email":"Vic@Müller.example"';
  it.each([
    ['Latin-1', Buffer.from(json, 'latin1'), 'application/json'],
    ['declared Latin-1', Buffer.from(json, 'latin1'), 'application/json; charset=iso-8859-1'],
    ['UTF-16', Buffer.from(`\ufeff${json}`, 'utf16le'), 'application/json'],
    ['UTF-16 without a mark', Buffer.from(json, 'utf16le'), 'text/plain'],
    ['UTF-16, big-endian', Buffer.from(json, 'utf16le').swap16(), ''],
    ['gzip', gzipSync(json), 'application/json'],
    ['gzip that was cut off', gzipSync(json).subarray(0, -8), 'application/json'],
    ['gzip of Latin-1', gzipSync(Buffer.from(json, 'latin1')), 'application/json'],
    ['percent escapes of Latin-1', Buffer.from('email=vic%40m%FCller.example'), 'application/x-www-form-urlencoded'],
    ['full-width signs', Buffer.from('{"email":"vic＠müller．example"'), 'application/json'],
    [
      'percent escapes that were escaped',
      Buffer.from('email=vic%2540m%25C3%25BCller.example'),
      'application/x-www-form-urlencoded',
    ],
    ['HTML entities', Buffer.from('{"email":"vic&#64;m&#xfc;ller.example"'), 'application/json'],
    ['escapes within escapes', Buffer.from(String.raw`{"x":"{\"email\":\"vic\\u0040m\\u00fcller.example`), 'application/json'],
    ['JavaScript escapes', Buffer.from(String.raw`{"email":"vic\x40m\xfcller.example"`), 'application/json'],
    ['base64', Buffer.from(`{"data":"${Buffer.from(json).toString('base64')}"`), 'application/json'],
    ['base64url', Buffer.from(`data=${Buffer.from(`{"a":1,${json.slice(1)}`).toString('base64url')}`), ''],
    ['quoted-printable', Buffer.from('vic=40xn--mller-kva.example'), 'text/plain'],
    ['invisible characters', Buffer.from('{"email":"vic\u200b@\u00admüller.example"'), 'application/json'],
  ])('in %s', (_what, body, contentType) => {
    expect(bodyMentionsEmail({ body, contentType }, address)).toBe(true);
    expect(bodyMentionsEmail({ body, contentType }, 'ic@xn--mller-kva.example')).toBe(false);
  });
});
