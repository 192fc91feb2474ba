import { EXIT_CODES, type ExitCode } from './exit-codes.js';

export interface Problem {
  code?: string;
  detail?: string;
  errors?: { path: string; message: string }[];
}

/** The API's own hints name requests; the same as commands. The longest path comes first. */
const COMMANDS: [RegExp, string][] = [
  [/GET \/ops\/dead-letters\/summary/g, '`revenueflow dead-letters summary`'],
  [/GET \/ops\/dead-letters/g, '`revenueflow dead-letters list`'],
  [/GET \/ops\/leads\/(?::id|\{id\})/g, '`revenueflow leads get <id>`'],
  [/GET \/ops\/leads/g, '`revenueflow leads list`'],
  [/POST \/ops\/leads\/search/g, '`revenueflow leads search`'],
  [/GET \/ops\/rejections/g, '`revenueflow rejections list`'],
  [/GET \/ops\/queues/g, '`revenueflow queues list`'],
  [/POST \/ops\/people\/erase/g, '`revenueflow people erase`'],
  [/POST \/leads/g, 'the webhook endpoint'],
  [/is given under "attributes"/g, 'is given by --attribute <name=value>'],
];

/** What a problem says, with each field that it names, in terms of commands. */
export function problemText(status: number, { code, detail, errors = [] }: Problem, hasToken: boolean): string {
  if (status === 401) {
    return hasToken
      ? 'The service refuses the token: it is not the secret of one of its OPS_TOKENS. Check REVENUEFLOW_TOKEN or --token.'
      : 'The service needs a token. Set REVENUEFLOW_TOKEN to your secret, or use --token.';
  }
  const lines = [detail ?? `The service answered ${status}${code ? ` (${code})` : ''}.`];
  for (const { path, message } of errors) {
    const line = path === '' ? message : `${path}: ${message}`;
    if (!lines[0]!.includes(line)) lines.push(`  ${line}`);
  }
  return COMMANDS.reduce((text, [request, command]) => text.replaceAll(request, command), lines.join('\n'));
}

export function exitCodeOf(status: number): ExitCode {
  if (status === 400 || status === 422) return EXIT_CODES.usage;
  if (status === 401 || status === 403) return EXIT_CODES.notAllowed;
  if (status === 404) return EXIT_CODES.notFound;
  return status === 0 || [502, 503, 504].includes(status) ? EXIT_CODES.unavailable : EXIT_CODES.failure;
}
