import { usageError } from './exit-codes.js';

type Environment = Record<string, string | undefined>;

const TOKEN_ENTRY = /^[^:]+:(viewer|operator):(.+)$/;
/** What fetch accepts in a header. Anything else would fail later with a message about the network. */
const HEADER_SAFE = /^[\x21-\x7e]+$/;

/**
 * Where the service is: `--url`, else REVENUEFLOW_URL, else where a service with this HOST and PORT listens.
 * @throws CommandError for a value that is not an http(s) URL.
 */
export function serviceUrlOf(env: Environment, flag?: string): string {
  if (flag !== undefined) return checkedUrl(flag, '--url');
  const url = env['REVENUEFLOW_URL']?.trim();
  if (url) return checkedUrl(url, 'REVENUEFLOW_URL');
  const host = env['HOST']?.trim() || '127.0.0.1';
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return checkedUrl(
    `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${env['PORT']?.trim() || '3000'}`,
    'HOST or PORT',
  );
}

function checkedUrl(text: string, from: string): string {
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : null;
  if (!url || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw usageError(`${from} is not a URL of the form http://127.0.0.1:3000, without user name, query or fragment.`);
  }
  return text.replace(/\/+$/, '');
}

/**
 * The operator's secret: `--token`, else REVENUEFLOW_TOKEN, else the first operator of OPS_TOKENS, else its first
 * viewer. A malformed value is an error: without it the service would refuse the request for a reason that misleads.
 * @throws CommandError that names the variable and its form, never its value.
 */
export function tokenOf(env: Environment, flag?: string): string | undefined {
  if (flag !== undefined) return checkedToken(flag.trim(), '--token');
  const token = env['REVENUEFLOW_TOKEN']?.trim();
  if (token) return checkedToken(token, 'REVENUEFLOW_TOKEN');
  const entries = listOf(env['OPS_TOKENS']);
  if (entries.length === 0) return undefined;
  const parsed = entries.map((entry) => TOKEN_ENTRY.exec(entry));
  const operator = parsed.find((match) => match?.[1] === 'operator') ?? parsed.find((match) => match !== null);
  if (parsed.includes(null) || !operator) {
    throw usageError(
      'OPS_TOKENS is malformed: each entry must be name:role:secret, with the role viewer or operator. ' +
        'To give the secret alone, set REVENUEFLOW_TOKEN or use --token.',
    );
  }
  return checkedToken(operator[2]!, 'OPS_TOKENS');
}

function checkedToken(token: string, from: string): string {
  if (from !== 'OPS_TOKENS' && TOKEN_ENTRY.test(token)) {
    throw usageError(`${from} must be the secret alone. It has the form name:role:secret, which is the form of OPS_TOKENS.`);
  }
  if (!HEADER_SAFE.test(token)) {
    throw usageError(`${from} is malformed: a secret consists of visible ASCII characters, without spaces.`);
  }
  return token;
}

/** The first of WEBHOOK_SECRETS, which POST /leads asks for. @throws CommandError */
export function webhookSecretOf(env: Environment): string | undefined {
  const secret = listOf(env['WEBHOOK_SECRETS'])[0];
  if (secret !== undefined && !HEADER_SAFE.test(secret)) {
    throw usageError('WEBHOOK_SECRETS is malformed: a secret consists of visible ASCII characters, without spaces.');
  }
  return secret;
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
