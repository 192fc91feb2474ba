import { Body, Controller, Get, Header, Inject, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { Access } from '../platform/http/access.js';
import { SESSION_COOKIE, SESSION_SECONDS, Sessions } from '../platform/http/session.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { ConsoleErrorFilter } from './console-error.filter.js';
import { ReadForm, seeOther } from './console-page.js';
import { CONTENT_SECURITY_POLICY } from './content-security-policy.js';
import { renderPage } from './layout.js';
import { LoginPage } from './pages/login.page.js';

const nextSchema = z.object({ next: z.string().max(2000).optional() });
const credentialsSchema = z.object({ token: z.string().max(1000).default(''), next: z.string().max(2000).optional() });

/** Sign-in with the secret of an entry of OPS_TOKENS; the session is a cookie. */
@UseFilters(ConsoleErrorFilter)
@Controller('console')
export class LoginController {
  private readonly sessions: Sessions;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.sessions = new Sessions(config.OPS_TOKENS);
  }

  @Access('public')
  @Get('login')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', CONTENT_SECURITY_POLICY)
  @Header('cache-control', 'no-store')
  page(@Query() query: unknown): string {
    const { next } = nextSchema.parse(query);
    return renderPage(<LoginPage env={this.config.ENV} next={withinConsole(next)} problem={null} />);
  }

  @Access('public')
  @Post('login')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', CONTENT_SECURITY_POLICY)
  @Header('cache-control', 'no-store')
  signIn(@Body() body: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): string {
    const { token, next } = credentialsSchema.parse(body ?? {});
    const cookie = this.config.OPS_TOKENS ? this.sessions.open(token.trim(), this.clock.now()) : null;
    if (cookie === null && this.config.OPS_TOKENS) {
      void reply.code(401);
      const problem = 'No entry of OPS_TOKENS has this secret.';
      return renderPage(<LoginPage env={this.config.ENV} next={withinConsole(next)} problem={problem} />);
    }
    if (cookie !== null) void reply.header('set-cookie', cookieOf(cookie, SESSION_SECONDS, request.protocol === 'https'));
    return seeOther(reply, withinConsole(next));
  }

  @ReadForm('logout')
  signOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.header('set-cookie', cookieOf('', 0, request.protocol === 'https'));
    return seeOther(reply, '/console/login');
  }
}

/** Never an address of another site: a link to the sign-in page could carry one. */
function withinConsole(next: string | undefined): string {
  return next !== undefined && /^\/console(?:[/?]|$)/.test(next) && !next.includes('\\') ? next : '/console';
}

function cookieOf(value: string, seconds: number, secure: boolean): string {
  const attributes = `Path=/console; Max-Age=${seconds}; HttpOnly; SameSite=Strict`;
  return `${SESSION_COOKIE}=${value}; ${attributes}${secure ? '; Secure' : ''}`;
}
