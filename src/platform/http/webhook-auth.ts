import type { FastifyRequest } from 'fastify';
import { AppError } from '../../domain/app-error.js';
import type { Clock } from '../clock.js';
import { bearerToken, SecretSet } from './secrets.js';

const WINDOW_MS = 60_000;
const FAILURES_IN_WINDOW = 20;
/** The most addresses remembered. The oldest are removed first, so that a flood from many addresses fills no memory. */
const ADDRESSES = 10_000;

/** Checks the secret of a webhook. Without secrets (loopback only) any program on the machine may post. */
export class WebhookAuth {
  private readonly known: SecretSet<true> | null;
  private readonly failures: FailedAuthentications;

  constructor(secrets: string[] | undefined, clock: Clock) {
    this.known = secrets ? new SecretSet(secrets.map((secret) => ({ secret, owner: true as const }))) : null;
    this.failures = new FailedAuthentications(clock);
  }

  /** @throws AppError UNAUTHENTICATED or TOO_MANY_FAILED_AUTHENTICATIONS */
  authenticate(request: FastifyRequest): void {
    if (this.known === null) return;
    const secret = secretOf(request);
    if (secret !== null && this.known.ownerOf(secret)) return;
    throw refusal(secret, this.failures.note(request.ip));
  }
}

/**
 * Counts wrong secrets per address. Only requests with a wrong secret get a 429, because valid requests can come
 * through the same proxy address.
 */
export class FailedAuthentications {
  private readonly byAddress = new Map<string, { since: number; count: number }>();

  constructor(private readonly clock: Clock) {}

  /** Counts a failure. @returns whether the address had too many within the window. */
  note(address: string): boolean {
    const now = this.clock.now();
    const entry = this.byAddress.get(address);
    const current = entry && now - entry.since < WINDOW_MS ? entry : { since: now, count: 0 };
    current.count++;
    this.byAddress.delete(address);
    this.byAddress.set(address, current);
    if (this.byAddress.size > ADDRESSES) this.byAddress.delete(this.byAddress.keys().next().value!);
    return current.count > FAILURES_IN_WINDOW;
  }
}

function refusal(secret: string | null, tooMany: boolean): AppError {
  if (tooMany) {
    return new AppError(
      'TOO_MANY_FAILED_AUTHENTICATIONS',
      'Too many wrong secrets came from this address within a minute. Nothing was stored. A request with a valid secret is still accepted.',
    );
  }
  return new AppError(
    'UNAUTHENTICATED',
    secret === null
      ? 'The secret is missing. Send it as X-Webhook-Secret or as Authorization: Bearer. Nothing was stored.'
      : 'The secret is not one of WEBHOOK_SECRETS. Nothing was stored.',
  );
}

function secretOf(request: FastifyRequest): string | null {
  const header = request.headers['x-webhook-secret'];
  return typeof header === 'string' ? header : bearerToken(request.headers.authorization);
}
