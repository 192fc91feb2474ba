import { Controller, Get, Header, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Access } from '../platform/http/access.js';
import { ENDED_LINK, INVALID_LINK, noticePage, questionPage, resultPage } from './link-pages.js';
import { OwnerActsService } from './owner-acts.service.js';

const POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/**
 * The links of notices. The signature in the address is the permission. GET asks and changes nothing, since chat
 * services and mail scanners open links; POST acts.
 */
@Controller('first-touch')
export class LinksController {
  constructor(private readonly acts: OwnerActsService) {}

  @Access('public')
  @Get(':token')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  @Header('referrer-policy', 'no-referrer')
  @Header('cache-control', 'no-store')
  async ask(@Param('token') token: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const link = await this.acts.show(token);
    if (link && !link.ended) return questionPage(link.action);
    void reply.code(link ? 410 : 404);
    return link ? noticePage('Nothing to do', ENDED_LINK) : noticePage('No such link', INVALID_LINK);
  }

  @Access('public')
  @Post(':token')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  @Header('referrer-policy', 'no-referrer')
  @Header('cache-control', 'no-store')
  async act(@Param('token') token: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const acted = await this.acts.act(token);
    void reply.code(!acted ? 404 : acted.result === 'done' ? 200 : 410);
    return acted ? resultPage(acted.action, acted.result) : noticePage('No such link', INVALID_LINK);
  }
}
