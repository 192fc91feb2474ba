import type { ExecutionContext } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { AppError } from '../domain/app-error.js';
import type { EndedSessionsRepository } from '../ledger/ended-sessions.repository.js';
import { ConsoleSessionGuard } from './console-session.guard.js';

const down = new AppError('LEDGER_UNAVAILABLE', 'PostgreSQL did not confirm (no answer).');
const guard = new ConsoleSessionGuard({ hasEnded: () => Promise.reject(down) } as unknown as EndedSessionsRepository);
const requestWith = (method: string) =>
  ({
    switchToHttp: () => ({ getRequest: () => ({ method, session: { id: 'a session' } }), getResponse: () => ({}) }),
  }) as unknown as ExecutionContext;

describe('where nothing says whether a session has ended', () => {
  it('a page opens, as the runbook must', () => expect(guard.canActivate(requestWith('GET'))).resolves.toBe(true));

  it('a form is refused', () => expect(guard.canActivate(requestWith('POST'))).rejects.toBe(down));
});
