import { Body, Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { Receipt } from '../../ledger/erasures.repository.js';
import { parseQuery } from '../../platform/http/parse-query.js';
import { PrivacyService } from './privacy.service.js';

export const personSchema = z.object({ email: z.string().max(1000) });

export type ShownReceipt = ReturnType<typeof shown>;

/** What is held about a person, and its end. Requests are POSTs, so that no address ends in an access log. */
@Controller('ops/people')
export class PrivacyController {
  constructor(private readonly people: PrivacyService) {}

  /** A copy of everything; the answer is the only place where it is put together. */
  @Post('export')
  @HttpCode(200)
  export(@Body() body: unknown, @Req() request: FastifyRequest) {
    return this.people.export(parseQuery(personSchema, body ?? {}).email, operatorOf(request));
  }

  @Post('erase')
  @HttpCode(200)
  async erase(@Body() body: unknown, @Req() request: FastifyRequest) {
    return shown(await this.people.erase(parseQuery(personSchema, body ?? {}).email, operatorOf(request)));
  }

  /** The receipt once more: whether the CRM has been done. */
  @Get('erasures/:id')
  async receipt(@Param('id') id: string) {
    if (!z.uuid().safeParse(id).success) throw new AppError('NOT_FOUND', 'No receipt has this id.');
    return shown(await this.people.receipt(id));
  }
}

function operatorOf(request: FastifyRequest): string {
  return request.operator?.name ?? 'local';
}

/** Names nobody: who keeps it keeps no personal data. */
function shown({ id, at, who, counts, crm, crmCount, asked, finalAt, lastCode, doneAt }: Receipt) {
  const { leads, events, rejections, spool, alerts, jobs } = counts;
  return {
    receipt: id,
    at,
    by: who,
    status: doneAt ? ('done' as const) : ('pending' as const),
    doneAt,
    erased: { leads, events, rejections, spool, alerts, jobs, crm: crmCount },
    crm: { status: crm, ...(doneAt ? {} : { asked, until: finalAt, lastCode }) },
  };
}
