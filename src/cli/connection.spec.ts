import { describe, expect, it } from 'vitest';
import { widthOf } from './terminal-width.js';
import { serviceUrlOf, tokenOf, webhookSecretOf } from './connection.js';

const SECRET = 's'.repeat(40);

describe('the URL of the service', () => {
  it.each([
    [{}, undefined, 'http://127.0.0.1:3000'],
    [{ PORT: '8080' }, undefined, 'http://127.0.0.1:8080'],
    [{ HOST: '0.0.0.0', PORT: '8080' }, undefined, 'http://127.0.0.1:8080'],
    [{ HOST: '::1' }, undefined, 'http://[::1]:3000'],
    [{ REVENUEFLOW_URL: 'https://rf.example.com/', PORT: '8080' }, undefined, 'https://rf.example.com'],
    [{ REVENUEFLOW_URL: 'https://rf.example.com' }, 'http://localhost:1/base/', 'http://localhost:1/base'],
    [{ REVENUEFLOW_URL: ' ' }, undefined, 'http://127.0.0.1:3000'],
  ])('%j and --url %s give %s', (env, flag, url) => expect(serviceUrlOf(env, flag)).toBe(url));

  it.each([
    ['localhost:3000', 'REVENUEFLOW_URL'],
    ['ftp://x', 'REVENUEFLOW_URL'],
    ['http://ann:pw@x', 'REVENUEFLOW_URL'],
    ['http://x/?a=b', 'REVENUEFLOW_URL'],
  ])('%s is refused', (url, name) => {
    expect(() => serviceUrlOf({ REVENUEFLOW_URL: url })).toThrow(new RegExp(`^${name} is not a URL of the form http`));
    expect(() => serviceUrlOf({}, url)).toThrow(/^--url is not/);
  });
});

describe('the token', () => {
  it.each([
    [{}, undefined, undefined],
    [{ OPS_TOKENS: `vic:viewer:v${SECRET}, ann:operator:${SECRET}` }, undefined, SECRET],
    [{ OPS_TOKENS: `vic:viewer:v${SECRET}` }, undefined, `v${SECRET}`],
    [{ OPS_TOKENS: `ann:operator:${SECRET}:tail` }, undefined, `${SECRET}:tail`],
    [{ OPS_TOKENS: 'malformed', REVENUEFLOW_TOKEN: SECRET }, undefined, SECRET],
    [{ REVENUEFLOW_TOKEN: 'other' }, SECRET, SECRET],
  ])('of %j with --token %s is %s', (env, flag, token) => expect(tokenOf(env, flag)).toBe(token));

  it.each([
    [{ OPS_TOKENS: SECRET }, /^OPS_TOKENS is malformed: each entry must be name:role:secret/],
    [{ OPS_TOKENS: `ann:admin:${SECRET}` }, /^OPS_TOKENS is malformed/],
    [{ OPS_TOKENS: `ann:operator:${SECRET},${SECRET}` }, /^OPS_TOKENS is malformed/],
    [{ REVENUEFLOW_TOKEN: `ann:operator:${SECRET}` }, /^REVENUEFLOW_TOKEN must be the secret alone/],
    [{ REVENUEFLOW_TOKEN: `${SECRET} x` }, /^REVENUEFLOW_TOKEN is malformed/],
    [{ REVENUEFLOW_TOKEN: `${SECRET}é` }, /^REVENUEFLOW_TOKEN is malformed/],
  ])('of %j is refused, and not shown', (env, message) => {
    expect(() => tokenOf(env)).toThrow(message);
    expect(() => tokenOf(env)).not.toThrow(SECRET);
  });

  it('of a webhook is the first of its secrets', () => {
    expect(webhookSecretOf({ WEBHOOK_SECRETS: ` ${SECRET} ,other` })).toBe(SECRET);
    expect(webhookSecretOf({})).toBeUndefined();
    expect(() => webhookSecretOf({ WEBHOOK_SECRETS: 'a b' })).toThrow(/^WEBHOOK_SECRETS is malformed/);
  });
});

it.each([
  [{ columns: 80 }, { COLUMNS: '40' }, 80],
  [{ columns: 0 }, {}, Infinity],
  [{}, { COLUMNS: '40' }, 40],
  [{}, { COLUMNS: 'wide' }, Infinity],
])('a stream with %j and %j has %d columns', (stream, env, width) => expect(widthOf(stream, env)).toBe(width));
