import { Body, Controller, Query, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { RoutingOpsService } from '../ops/routing/routing-ops.service.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import type { Absence } from '../routing/members.repository.js';
import { RoutingOverviewService } from '../routing/routing-overview.service.js';
import { ActionForm, Page, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage } from './layout.js';
import { RoutingPage } from './pages/routing.page.js';

const DECISIONS = 25;
const querySchema = z.object({
  owner: z.string().trim().max(100).optional(),
  cursor: z.string().max(500).optional(),
});
const absencesSchema = z.object({ rep: z.string().max(100), absences: z.string().max(2000) });

/** Pools with whose turn it is, absences to edit, decisions. */
@Controller('console/routing')
export class ConsoleRoutingController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly overviews: RoutingOverviewService,
    private readonly routing: RoutingOpsService,
  ) {}

  @Page('')
  async page(
    @Query({ schema: querySchema }) { owner, cursor }: z.output<typeof querySchema>,
    @PageRequest() request: FastifyRequest,
  ) {
    const [viewer, overview] = await Promise.all([this.viewers.of(request), this.overviews.overview()]);
    const decisions = overview.on
      ? await this.routing.decisions({ limit: DECISIONS, owner: owner === '' ? undefined : owner, cursor })
      : { items: [], nextCursor: null };
    return renderPage(<RoutingPage viewer={viewer} view={{ overview, decisions, owner: owner ?? '' }} />);
  }

  @ActionForm('absences')
  async absences(
    @Body({ schema: absencesSchema }) { rep, absences }: z.output<typeof absencesSchema>,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.overviews.setAbsences(by.name, rep, absencesOf(absences));
    return seeOther(reply, '/console/routing');
  }
}

/** `2026-12-24..2026-12-31, 2027-01-04` @throws AppError BAD_REQUEST */
function absencesOf(text: string): Absence[] {
  const parts = text.split(/[,;\n]/u).map((part) => part.trim());
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const [from, to = from, ...rest] = part.split('..').map((each) => each.trim());
      if (!from || !to || rest.length > 0)
        throw new AppError('BAD_REQUEST', 'An absence must be a day or two days such as 2026-12-24..2026-12-31.');
      return { from, to };
    });
}
