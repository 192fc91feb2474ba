import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { acceptLead } from '../../ingress/accept-lead.js';
import { parseLead } from '../../ingress/parse-lead.js';
import { leadIdOf } from '../../domain/lead-keys.js';
import type { DeadLetter } from '../../ledger/dead-letters.repository.js';
import { IntakeRepository } from '../../ledger/intake.repository.js';
import { decodeCursor, encodeCursor } from '../../platform/database/cursor-pagination.js';
import { parseQuery } from '../../platform/http/parse-query.js';
import { JobPublisher } from '../../queue/job-publisher.js';
import { DeadLetters } from './dead-letters.service.js';

export const pageSchema = z.object({
  code: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional(),
});
export const replaySchema = z.object({
  code: z.string().max(100).optional(),
  limit: z.number().int().min(1).max(10_000).default(10_000),
  perSecond: z.number().positive().max(10_000).optional(),
});
export const discardSchema = z.object({ reason: z.string().trim().min(1).max(500) });
export const correctionSchema = z.record(z.string(), z.unknown());

/** What was given up: look, mend, replay or discard. Every act is in the audit trail with the name of the token. */
@Controller('ops/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly deadLetters: DeadLetters,
    private readonly intake: IntakeRepository,
    private readonly publisher: JobPublisher,
  ) {}

  @Get()
  async list(@Query() query: unknown) {
    const { code, limit, cursor } = parseQuery(pageSchema, query);
    const page = await this.deadLetters.list(code ? { code } : {}, limit, cursor ? decodeCursor(cursor) : null);
    return { items: page.items.map(shown), nextCursor: page.next ? encodeCursor(page.next) : null };
  }

  @Get('summary')
  async summary() {
    const groups = await this.deadLetters.summary();
    return { total: groups.reduce((sum, { count }) => sum + count, 0), items: groups };
  }

  @Get(':id')
  async show(@Param('id') id: string) {
    return shown(await this.deadLetters.find(idOf(id)));
  }

  @Post('replay')
  @HttpCode(202)
  async replayMany(@Body() body: unknown, @Req() request: FastifyRequest) {
    const { code, limit, perSecond } = parseQuery(replaySchema, body ?? {});
    return { replaying: await this.deadLetters.replayMany(code, limit, perSecond ?? null, operatorOf(request)) };
  }

  @Post(':id/replay')
  @HttpCode(202)
  async replay(@Param('id') id: string, @Req() request: FastifyRequest) {
    await this.deadLetters.replay(idOf(id), operatorOf(request));
    return { status: 'replaying', leadId: id };
  }

  /**
   * Corrects fields, checked as a webhook's are. E-mail and campaign make the lead's key, so a correction of those takes the
   * lead as a new one and discards the old; anything else stays a dead letter until it is replayed.
   */
  @Patch(':id')
  async edit(@Param('id') id: string, @Body() body: unknown, @Req() request: FastifyRequest) {
    const by = operatorOf(request);
    const letter = await this.deadLetters.find(idOf(id));
    const corrected = parseLead({
      email: letter.emailRaw,
      campaign_id: letter.campaignId,
      name: letter.name,
      ...letter.attributes,
      ...parseQuery(correctionSchema, body),
    });
    if (leadIdOf(corrected.email, corrected.campaignId) === letter.id) {
      return { status: 'edited', leadId: letter.id, revision: await this.deadLetters.edit(letter.id, corrected, by) };
    }
    const { leadId } = await acceptLead({ ledger: this.intake, publisher: this.publisher }, corrected);
    await this.deadLetters.discard(letter.id, `corrected as ${leadId}`, by);
    return { status: 'replaced', leadId };
  }

  @Post(':id/discard')
  @HttpCode(200)
  async discard(@Param('id') id: string, @Body() body: unknown, @Req() request: FastifyRequest) {
    const { reason } = parseQuery(discardSchema, body ?? {});
    await this.deadLetters.discard(idOf(id), reason, operatorOf(request));
    return { status: 'discarded', leadId: id };
  }
}

function operatorOf(request: FastifyRequest): string {
  return request.operator?.name ?? 'local';
}

/** What is no UUID is no id of ours: the nil UUID finds nothing. */
function idOf(id: string): string {
  return z.uuid().safeParse(id).success ? id : '00000000-0000-0000-0000-000000000000';
}

function shown({ personKey: _personKey, emailRaw: _emailRaw, at: _at, ...letter }: DeadLetter) {
  return letter;
}
