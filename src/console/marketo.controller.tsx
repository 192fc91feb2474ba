import { Body, Controller, HttpCode, Param, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { MarketoService } from '../ops/marketo/marketo.service.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import { ActionForm, Page, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage } from './layout.js';
import { isRepairing, MarketoPage, MarketoRepairPage } from './pages/marketo.page.js';

const HREF = '/console/marketo';
const confirmedSchema = z.object({ count: z.coerce.number().int() });

/** What Marketo is owed, what its log says of our webhook, and the repair of calls that never arrived. */
@Controller('console/marketo')
export class ConsoleMarketoController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly marketo: MarketoService,
  ) {}

  @Page('')
  async report(@PageRequest() request: FastifyRequest): Promise<string> {
    const [viewer, report] = await Promise.all([this.viewers.of(request), this.marketo.report()]);
    return renderPage(<MarketoPage viewer={viewer} report={report} />);
  }

  /** Shows what would be taken in; nothing happens. */
  @ActionForm('repair')
  @HttpCode(200)
  confirm(@PageRequest() request: FastifyRequest): Promise<string> {
    return this.repairPage(request, null);
  }

  @ActionForm('repair/start')
  async repair(
    @Body({ schema: confirmedSchema }) { count }: z.output<typeof confirmedSchema>,
    @CurrentOperator() by: Operator,
    @PageRequest() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { reconciliation } = await this.marketo.report();
    // A form that is sent twice asks for one repair.
    if (isRepairing(reconciliation)) return seeOther(reply, HREF);
    const { missing, oldestMissingAt } = reconciliation;
    if (missing !== count || !oldestMissingAt) {
      void reply.code(400);
      return this.repairPage(request, `There are ${missing} now, and you confirmed ${count}. Nothing was taken in.`);
    }
    await this.marketo.repairMissing(by.name, oldestMissingAt);
    return seeOther(reply, HREF);
  }

  @ActionForm(':task/pause')
  async pause(@Param('task') task: string, @CurrentOperator() by: Operator, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.marketo.pause(task, by.name, 'pause');
    return seeOther(reply, HREF);
  }

  @ActionForm(':task/resume')
  async resume(@Param('task') task: string, @CurrentOperator() by: Operator, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.marketo.pause(task, by.name, 'resume');
    return seeOther(reply, HREF);
  }

  private async repairPage(request: FastifyRequest, problem: string | null): Promise<string> {
    const [viewer, report] = await Promise.all([this.viewers.of(request), this.marketo.report()]);
    return renderPage(<MarketoRepairPage viewer={viewer} report={report} problem={problem} />);
  }
}
