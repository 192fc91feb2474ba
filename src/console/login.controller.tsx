import { Body, Controller, Get, Inject, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { EndedSessionsRepository } from '../ledger/ended-sessions.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { comesFromAnotherSite } from '../platform/http/operator-auth.js';
import { SESSION_COOKIE, SESSION_SECONDS, Sessions } from '../platform/http/session.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { PublicPage, ReadForm, seeOther } from './console-page.js';
import { renderPage } from './layout.js';
import { LoginPage, ReturnPage } from './pages/login.page.js';

/** What is not usable is as if it were not there: a wrong secret, and the first page. */
const next = z.string().max(16_000).optional().catch(undefined);
const nextSchema = z.object({ next });
const credentialsSchema = z.object({ token: z.string().max(1000).catch(''), next });

/** Sign-in with the secret of an entry of OPS_TOKENS; the session is a cookie. */
@Controller('console')
export class LoginController {
  private readonly sessions: Sessions;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly ended: EndedSessionsRepository,
  ) {
    this.sessions = new Sessions(config.OPS_TOKENS);
  }

  @PublicPage(Get, 'login')
  page(@Query() query: unknown, @Req() request: FastifyRequest): string {
    const { next } = nextSchema.parse(query);
    // A browser keeps a SameSite=Strict cookie back where a link of another site, such as one in a mail, led here. Asked
    // for by our own page, the same address gets it.
    if (request.headers['sec-fetch-site'] === 'cross-site') return renderPage(<ReturnPage to={withinConsole(next)} />);
    return this.loginPage(next, null);
  }

  @PublicPage(Post, 'login')
  signIn(@Body() body: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): string {
    const { token, next } = credentialsSchema.parse(body ?? {});
    if (comesFromAnotherSite(request)) throw new AppError('CROSS_SITE', 'A page of another site sent this. Nothing was changed.');
    const cookie = this.config.OPS_TOKENS ? this.sessions.open(token.trim(), this.clock.now()) : null;
    if (cookie === null && this.config.OPS_TOKENS) {
      void reply.code(401);
      return this.loginPage(next, 'No entry of OPS_TOKENS has this secret.');
    }
    if (cookie !== null) void reply.header('set-cookie', cookieOf(cookie, SESSION_SECONDS, request.protocol === 'https'));
    return seeOther(reply, withinConsole(next));
  }

  /** The session ends for every copy of its cookie. @throws AppError LEDGER_UNAVAILABLE, then it has not ended. */
  @ReadForm('logout')
  async signOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    if (request.session) await this.ended.endSession(request.session.id, request.session.endsAt);
    void reply.header('set-cookie', cookieOf('', 0, request.protocol === 'https'));
    return seeOther(reply, '/console/login');
  }

  private loginPage(next: string | undefined, problem: string | null): string {
    const { ENV, OPS_TOKENS } = this.config;
    return renderPage(<LoginPage env={ENV} next={withinConsole(next)} problem={problem} isOpen={OPS_TOKENS === undefined} />);
  }
}

/** Never an address of another site: a link to the sign-in page could carry one. */
function withinConsole(next: string | undefined): string {
  return next !== undefined && /^\/console(?:[/?][!-~]*)?$/.test(next) && !next.includes('\\') ? next : '/console';
}

function cookieOf(value: string, seconds: number, secure: boolean): string {
  const attributes = `Path=/console; Max-Age=${seconds}; HttpOnly; SameSite=Strict`;
  return `${SESSION_COOKIE}=${value}; ${attributes}${secure ? '; Secure' : ''}`;
}
