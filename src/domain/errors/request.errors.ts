import type { CatalogEntry } from './catalog-entry.js';

/** Requests that are refused: webhooks, operations, console. */
export const REQUEST_ERRORS = {
  INVALID_BODY: {
    class: 'input',
    meaning: 'The request body is not the JSON object or the form that the endpoint reads. A webhook is kept as a rejection.',
    remedy: 'Compare the webhook template with docs/marketo.md; the message names the place. Then replay the rejection.',
  },
  INVALID_LEAD: {
    class: 'input',
    meaning: 'A field of the lead is missing or malformed.',
    remedy: 'Correct the field that the problem lists in `errors`, then send the lead again or replay its rejection.',
  },
  UNAUTHENTICATED: {
    class: 'input',
    meaning: 'The request carried no secret, or a wrong one.',
    remedy: 'Send one of WEBHOOK_SECRETS as X-Webhook-Secret (webhooks), or one of OPS_TOKENS as a bearer token (operations).',
  },
  SIGN_IN_FIRST: {
    class: 'input',
    meaning: 'The console was opened without a session, or the session has ended.',
    remedy: 'Sign in at /console/login with the secret of one entry of OPS_TOKENS.',
  },
  FORBIDDEN: {
    class: 'input',
    meaning: 'The token is valid, but its role does not permit this operation.',
    remedy: 'Use a token with the role `operator`.',
  },
  CROSS_SITE: {
    class: 'input',
    meaning: 'A web page of another site sent the request.',
    remedy:
      'Send it from a program. A service without secrets accepts only programs on its own machine: set WEBHOOK_SECRETS and OPS_TOKENS.',
  },
  HEADERS_TOO_LARGE: {
    class: 'input',
    meaning: 'The request headers are larger than 16 KiB.',
    remedy: 'Send fewer or shorter headers.',
  },
  REQUEST_TIMEOUT: {
    class: 'input',
    meaning: 'The request did not arrive completely within ten seconds.',
    remedy: 'Send it again on a better connection.',
  },
  NOT_FOUND: {
    class: 'input',
    meaning: 'There is nothing at this address.',
    remedy: 'Check the path and the id.',
  },
  METHOD_NOT_ALLOWED: {
    class: 'input',
    meaning: 'The address exists, but not for this method.',
    remedy: 'Use one of the methods that the header Allow lists.',
  },
  BODY_TOO_LARGE: {
    class: 'input',
    meaning:
      'The body is larger than 64 KiB (4 MiB for routing rules and directories). Of a webhook the first 64 KiB are kept as a rejection, to see what it was.',
    remedy: 'Shorten the template: send only the fields that sales needs. A replay needs the fields as corrections.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    class: 'input',
    meaning: 'The body is neither JSON nor a form, or its compression is not known. A webhook is kept as a rejection.',
    remedy: 'Send application/json or application/x-www-form-urlencoded, uncompressed or with gzip, deflate or br.',
  },
  TOO_MANY_FAILED_AUTHENTICATIONS: {
    class: 'input',
    meaning: 'This address sent more than 20 wrong secrets within a minute.',
    remedy: 'Correct the secret. Requests with a valid secret are always accepted. Behind a load balancer set TRUST_PROXY.',
  },
  BAD_REQUEST: {
    class: 'input',
    meaning: 'A parameter or a field of the request is not valid, or the request cannot be read.',
    remedy: 'Correct what `detail` and `errors` of the problem name.',
  },
} as const satisfies Record<string, CatalogEntry>;
