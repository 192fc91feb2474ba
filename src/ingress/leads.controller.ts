import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../domain/app-error.js';
import { METRICS } from '../platform/platform.module.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { JobPublisher } from '../queue/job-publisher.js';
import { acceptLead, type Acknowledgement } from './accept-lead.js';
import { parseLead } from './parse-lead.js';
import { VolatileAttributesCheck } from './volatile-attributes-check.js';
import { FailoverLedger } from './spool/failover-ledger.js';

@Controller('leads')
export class LeadsController {
  constructor(
    private readonly gate: FailoverLedger,
    private readonly publisher: JobPublisher,
    private readonly volatileAttributes: VolatileAttributesCheck,
    @Inject(METRICS) private readonly metrics: Metrics,
  ) {}

  /** 202 for new content (accepted, updated), 200 for a duplicate; errors become problems (platform/http/problem.ts). */
  @Post()
  async post(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Acknowledgement> {
    const stop = this.metrics.ackSeconds.startTimer();
    try {
      const lead = parseLead(body, request.bodyNotes);
      const answer = await acceptLead({ ledger: this.gate, publisher: this.publisher }, lead);
      this.metrics.leads.inc({ outcome: answer.status });
      void reply.code(answer.duplicate ? 200 : 202);
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
