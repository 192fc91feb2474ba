import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../domain/app-error.js';
import { Access } from '../platform/http/access.js';
import { ApiOperation, ApiTag, FORM_TYPE, JSON_TYPE } from '../platform/http/api-operation.js';
import { refuseFieldsInAddress } from '../platform/http/fields-in-address.js';
import { METRICS } from '../platform/platform.module.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { acceptLead, type Acknowledgement } from './accept-lead.js';
import { acceptedSchema, duplicateSchema, leadBodySchema } from './lead.schemas.js';
import { parseLead } from './parse-lead.js';
import { VolatileAttributesCheck } from './volatile-attributes-check.js';
import { FailoverLedger } from './spool/failover-ledger.js';

@ApiTag('Webhooks')
@Controller('leads')
export class LeadsController {
  constructor(
    private readonly gate: FailoverLedger,
    private readonly publisher: JobPublisher,
    private readonly volatileAttributes: VolatileAttributesCheck,
    @Inject(METRICS) private readonly metrics: Metrics,
  ) {}

  /**
   * 202 for new content (accepted, updated), 200 for a duplicate; errors become problems (platform/http/problem.ts).
   */
  @Access('webhook')
  @ApiOperation({
    id: 'postLead',
    summary: 'Accepts a lead',
    description:
      'A 2xx means that the lead is committed to durable storage. The id is derived from the e-mail and the campaign, so the same lead ' +
      'always has the same id. The body has at most 64 KiB. docs/marketo.md has the template of the webhook.',
    mediaTypes: [JSON_TYPE, FORM_TYPE],
    body: leadBodySchema,
    answers: {
      202: {
        means: 'A new lead, or changed content of a known one (a new revision). It is committed.',
        body: acceptedSchema,
        headers: { Location: 'The address of the lead, for operators.' },
      },
      200: { means: 'A known lead with the same content.', body: duplicateSchema },
    },
    problems: ['INVALID_LEAD', 'TOO_MANY_FAILED_AUTHENTICATIONS', 'LEDGER_UNAVAILABLE', 'LEDGER_OVERLOADED'],
  })
  @Post()
  async post(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Acknowledgement> {
    const stop = this.metrics.ackSeconds.startTimer();
    try {
      if (body === undefined || body === null) refuseFieldsInAddress(request.url);
      const lead = parseLead(body, request.bodyNotes);
      const answer = await acceptLead({ ledger: this.gate, publisher: this.publisher }, lead);
      this.metrics.leads.inc({ outcome: answer.status });
      void reply.code(answer.duplicate ? 200 : 202);
      if (!answer.duplicate) void reply.header('location', `/ops/leads/${answer.leadId}`);
      if (answer.status === 'updated') void this.volatileAttributes.afterRevision(answer.leadId, answer.revision);
      return answer;
    } catch (error) {
      this.metrics.leads.inc({ outcome: AppError.from(error).class === 'input' ? 'rejected' : 'refused' });
      throw error;
    } finally {
      stop();
    }
  }
}
