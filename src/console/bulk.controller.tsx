import { Body, Controller, HttpCode, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { BulkActionsRepository, type BulkActionProgress } from '../ledger/bulk-actions.repository.js';
import { DeadLetters } from '../ops/dead-letters/dead-letters.service.js';
import { RejectionsService } from '../ops/rejections/rejections.service.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import { IdParam } from '../platform/http/id.pipe.js';
import { ActionForm, Page, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage } from './layout.js';
import { BulkPreviewPage, BulkProgressPage, type BulkPreview } from './pages/bulk.page.js';
import { maskedEmail, maskedName } from './personal-data.js';

const DEAD_LETTERS_AT_MOST = 10_000;
/** Each is parsed and committed within the request. */
const REJECTIONS_AT_MOST = 1000;
const TYPED_ABOVE = 100;
const SAMPLE = 5;
const PER_SECOND = 10;

const NO_SUCH_ACTION = 'No bulk action has this id. They are kept for 30 days.';

const previewSchema = z.object({
  act: z.enum(['replay-dead-letters', 'replay-rejections']),
  code: z.string().max(100).optional(),
});
const startSchema = previewSchema.extend({
  perSecond: z.coerce.number().int().min(1).max(1000),
  count: z.coerce.number().int(),
});
type Chosen = z.output<typeof previewSchema>;

const SECTIONS = { 'replay-dead-letters': '/console/dead-letters', 'replay-rejections': '/console/rejections' } as const;

/** An action on many rows: a preview that changes nothing, a confirmation of the number, and a page with its progress. */
@Controller('console/bulk')
export class BulkController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly deadLetters: DeadLetters,
    private readonly rejections: RejectionsService,
    private readonly actions: BulkActionsRepository,
  ) {}

  @ActionForm('')
  @HttpCode(200)
  async preview(@Body({ schema: previewSchema }) chosen: Chosen, @PageRequest() request: FastifyRequest): Promise<string> {
    return this.previewPage(chosen, request, null);
  }

  @ActionForm('start')
  async start(
    @Body({ schema: startSchema }) { perSecond, count, ...chosen }: z.output<typeof startSchema>,
    @CurrentOperator() by: Operator,
    @PageRequest() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { count: present } = await this.describe(chosen);
    if (present !== count) {
      void reply.code(400);
      return this.previewPage(chosen, request, `There are ${present} now, and you confirmed ${count}. Nothing was replayed.`);
    }
    const id = await this.run(chosen, perSecond, by);
    return seeOther(reply, `/console/bulk/${id}`);
  }

  @Page(':id')
  async progress(@IdParam(NO_SUCH_ACTION) id: string, @PageRequest() request: FastifyRequest): Promise<string> {
    const [viewer, action] = await Promise.all([this.viewers.of(request), this.actions.findBulkAction(id)]);
    if (!action) throw new AppError('NOT_FOUND', NO_SUCH_ACTION);
    return renderPage(<BulkProgressPage viewer={viewer} view={progressOf(action, request.operator?.role !== 'operator')} />);
  }

  private async run({ act, code }: Chosen, perSecond: number, by: Operator): Promise<string> {
    const filter = { code: code ?? null, perSecond };
    if (act === 'replay-dead-letters') {
      const leads = await this.deadLetters.replayMany(code, DEAD_LETTERS_AT_MOST, perSecond, by.name);
      const leadIds = leads.map(({ leadId }) => leadId);
      return this.actions.recordBulkAction({ kind: act, who: by.name, filter, leadIds, refused: [] });
    }
    const results = await this.rejections.replayMany(REJECTIONS_AT_MOST, by.name);
    return this.actions.recordBulkAction({
      kind: act,
      who: by.name,
      filter,
      leadIds: results.flatMap((result) => (result.status === 'rejected' ? [] : [result.leadId])),
      refused: results.flatMap((result) =>
        result.status === 'rejected' ? [{ id: result.id, code: result.code, detail: result.detail }] : [],
      ),
    });
  }

  private async previewPage(chosen: Chosen, request: FastifyRequest, problem: string | null): Promise<string> {
    const [viewer, { title, count, sample }] = await Promise.all([this.viewers.of(request), this.describe(chosen)]);
    const view: BulkPreview = {
      act: chosen.act,
      title,
      code: chosen.code ?? null,
      count,
      typedAbove: TYPED_ABOVE,
      sample,
      perSecond: PER_SECOND,
      problem,
      section: SECTIONS[chosen.act],
    };
    return renderPage(<BulkPreviewPage viewer={viewer} view={view} />);
  }

  private async describe({ act, code }: Chosen): Promise<Pick<BulkPreview, 'title' | 'count' | 'sample'>> {
    if (act === 'replay-rejections') {
      const [open, page] = await Promise.all([this.rejections.countOpen(), this.rejections.list(SAMPLE, null)]);
      const sample = page.items
        .filter(({ replayedAs }) => replayedAs === null)
        .map(({ id, receivedAt, detail }) => ({ id, label: receivedAt, detail }));
      return { title: 'Repair and replay rejections', count: Math.min(open, REJECTIONS_AT_MOST), sample };
    }
    const [groups, page] = await Promise.all([
      this.deadLetters.summary(),
      this.deadLetters.list(code ? { code } : {}, SAMPLE, null),
    ]);
    const total = groups.filter((group) => !code || group.code === code).reduce((sum, { count }) => sum + count, 0);
    return {
      title: code ? `Replay dead letters with ${code}` : 'Replay dead letters',
      count: Math.min(total, DEAD_LETTERS_AT_MOST),
      sample: page.items.map((letter) => ({ id: letter.id, label: letter.name ?? letter.email, detail: letter.message })),
    };
  }
}

/** Leads that are in the CRM are done, those that are dead again have failed, the others are under way. */
function progressOf(action: BulkActionProgress, masked: boolean) {
  const { states } = action;
  const done = states.synced ?? 0;
  const failed = (states.dead ?? 0) + (states.discarded ?? 0) + action.refused.length;
  const running = (states.received ?? 0) + (states.enriched ?? 0);
  return {
    title: action.kind === 'replay-dead-letters' ? 'Replay of dead letters' : 'Replay of rejections',
    section: SECTIONS[action.kind],
    by: action.who,
    startedAt: action.at.toISOString(),
    state: running > 0 ? ('running' as const) : ('done' as const),
    total: action.total + action.refused.length,
    done,
    failed,
    results: [
      ...action.leads.map(({ id, name, email, state, code }) => ({
        href: `/console/leads/${id}`,
        label: masked ? (maskedName(name) ?? maskedEmail(email)) : (name ?? email),
        outcome: state === 'dead' ? `dead again: ${code}` : state,
        ok: state !== 'dead',
      })),
      ...action.refused.slice(0, 100).map(({ id, code, detail }) => ({
        href: `/console/rejections/${id}`,
        label: detail,
        outcome: `still refused: ${code}`,
        ok: false,
      })),
    ],
  };
}
