import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import type { z } from 'zod';
import type { Receipt } from '../../ledger/erasures.repository.js';
import { Access, CurrentOperator, type Operator } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import { IdParam } from '../../platform/http/id.pipe.js';
import { heldDataSchema, personSchema, receiptSchema } from './privacy.schemas.js';
import { PrivacyService } from './privacy.service.js';

export type ShownReceipt = ReturnType<typeof shown>;

/**
 * Export and erasure of a person's data (docs/privacy.md). Requests are POSTs, so that no address appears in access
 * logs.
 */
@ApiTag('People')
@Controller('ops/people')
export class PrivacyController {
  constructor(private readonly people: PrivacyService) {}

  @Access('operator')
  @ApiOperation({
    id: 'exportPerson',
    summary: 'Exports all data about a person',
    answers: { 200: { means: 'The data, as it is stored.', body: heldDataSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE', 'QUEUE_UNAVAILABLE'],
  })
  @Post('export')
  @HttpCode(200)
  export(@Body({ schema: personSchema }) { email }: z.output<typeof personSchema>, @CurrentOperator() by: Operator) {
    return this.people.export(email, by.name);
  }

  @Access('operator')
  @ApiOperation({
    id: 'erasePerson',
    summary: 'Erases all data about a person',
    description: 'It can be repeated; then nothing is left to erase. A webhook about the person afterwards makes a new lead.',
    answers: { 200: { means: 'Erased here; the receipt says whether the CRM is done.', body: receiptSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE', 'QUEUE_UNAVAILABLE'],
  })
  @Post('erase')
  @HttpCode(200)
  async erase(@Body({ schema: personSchema }) { email }: z.output<typeof personSchema>, @CurrentOperator() by: Operator) {
    return shown(await this.people.erase(email, by.name));
  }

  @Access('viewer')
  @ApiOperation({
    id: 'getErasure',
    summary: "Shows the receipt of an erasure, with the state of the CRM's part",
    answers: { 200: { means: 'The receipt.', body: receiptSchema } },
    problems: ['NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Get('erasures/:id')
  async receipt(@IdParam('No receipt has this id. POST /ops/people/erase answers it.') id: string) {
    return shown(await this.people.receipt(id));
  }
}

/** The receipt contains no personal data. */
function shown({ id, at, who, counts, crm, crmCount, asked, finalAt, lastCode, doneAt }: Receipt) {
  // A receipt of an earlier version has no count of outcomes or of trials.
  const { leads, events, rejections, spool, alerts, outcomes = 0, trials = 0, jobs } = counts;
  return {
    receipt: id,
    at,
    by: who,
    status: doneAt ? ('done' as const) : ('pending' as const),
    doneAt,
    erased: { leads, events, rejections, spool, alerts, outcomes, trials, jobs, crm: crmCount },
    crm: { status: crm, ...(doneAt ? {} : { asked, until: finalAt, lastCode }) },
  };
}
