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
});
