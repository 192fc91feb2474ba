import { randomUUID } from 'node:crypto';
import { Body, Controller, HttpCode, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { BulkActionsRepository } from '../ledger/bulk-actions.repository.js';
import { BulkReplays, ROWS_AT_MOST, type Repair } from '../ops/bulk/bulk-replays.js';
import { DeadLetters } from '../ops/dead-letters/dead-letters.service.js';
import { RejectionsService } from '../ops/rejections/rejections.service.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import { IdParam } from '../platform/http/id.pipe.js';
import { bulkProgressOf, bulkRowsOf } from './bulk-view.js';
import { ActionForm, CsvDownload, Page, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { csvOf } from './csv.js';
import { renderPage } from './layout.js';
import { isMasked } from './personal-data.js';
import { BulkPreviewPage, BulkProgressPage, type BulkPreview } from './pages/bulk.page.js';

const TYPED_ABOVE = 100;
const SAMPLE = 5;
const PER_SECOND = 10;
/** Fields that a lead must have, or that every lead should have. */
const REPAIRABLE = ['email', 'campaign_id', 'name'];

const NO_SUCH_ACTION = 'No bulk action has this id. They are kept for 30 days.';

const repairFields = {
  /** The same value for all. An e-mail or a name is a single person's, so there is no such field for those. */
  'set.campaign_id': z.string().max(255).default(''),
  'from.email': z.string().max(400).default(''),
  'from.campaign_id': z.string().max(400).default(''),
  'from.name': z.string().max(400).default(''),
};
const previewSchema = z.object({
  act: z.enum(['replay-dead-letters', 'replay-rejections']),
  code: z.string().max(100).optional(),
  signature: z.string().max(500).optional(),
  cause: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'is not one of the list of causes')
    .optional(),
  ...repairFields,
});
const startSchema = previewSchema.extend({
  id: z.uuid(),
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
    private readonly replays: BulkReplays,
    private readonly actions: BulkActionsRepository,
  ) {}

  @ActionForm('')
  @HttpCode(200)
  async preview(@Body({ schema: previewSchema }) chosen: Chosen, @PageRequest() request: FastifyRequest): Promise<string> {
    return this.previewPage(chosen, request, null);
  }

  @ActionForm('start')
  async start(
    @Body({ schema: startSchema }) { id, perSecond, count, ...chosen }: z.output<typeof startSchema>,
    @CurrentOperator() by: Operator,
    @PageRequest() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const present = await this.run(chosen, { id, count, perSecond }, by);
    if (present !== count || count === 0) {
      void reply.code(400);
      return this.previewPage(chosen, request, `There are ${present} now, and you confirmed ${count}. Nothing was replayed.`);
    }
    return seeOther(reply, `/console/bulk/${id}`);
  }

  @Page(':id')
  async progress(@IdParam(NO_SUCH_ACTION) id: string, @PageRequest() request: FastifyRequest): Promise<string> {
    const [viewer, action] = await Promise.all([this.viewers.of(request), this.actions.findBulkAction(id)]);
    if (!action) throw new AppError('NOT_FOUND', NO_SUCH_ACTION);
    const masked = isMasked(request);
    return renderPage(<BulkProgressPage viewer={viewer} view={bulkProgressOf(action, SECTIONS[action.kind], masked)} />);
  }

  /** The result of each row, not only of those that the page lists. */
  @CsvDownload(':id/results.csv')
  async results(@IdParam(NO_SUCH_ACTION) id: string, @PageRequest() request: FastifyRequest): Promise<string> {
    const action = await this.actions.findBulkAction(id);
    if (!action) throw new AppError('NOT_FOUND', NO_SUCH_ACTION);
    const leads = await this.actions.listBulkLeads(id, ROWS_AT_MOST);
    const rows = bulkRowsOf({ ...action, leads }, isMasked(request));
    return csvOf(
      ['what', 'outcome', 'address'],
      rows.map(({ label, outcome, href }) => [label, outcome, href]),
    );
  }

  /** The rows that wait for their turn are left as they are. */
  @ActionForm(':id/stop')
  async stop(
    @IdParam(NO_SUCH_ACTION) id: string,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    await this.actions.stopBulkAction(id, by.name);
    return seeOther(reply, `/console/bulk/${id}`);
  }

  private run(chosen: Chosen, confirmed: { id: string; count: number; perSecond: number }, by: Operator): Promise<number> {
    const { act, code, signature, cause } = chosen;
    if (act === 'replay-dead-letters') return this.replays.startDeadLetters({ code, signature, ...confirmed }, by.name);
    return this.replays.startRejections({ cause, ...confirmed, ...repairOf(chosen) }, by.name);
  }

  private async previewPage(chosen: Chosen, request: FastifyRequest, problem: string | null): Promise<string> {
    const [viewer, count, described] = await Promise.all([this.viewers.of(request), this.count(chosen), this.describe(chosen)]);
    const view: BulkPreview = {
      id: randomUUID(),
      act: chosen.act,
      code: chosen.code ?? null,
      signature: chosen.signature ?? null,
      cause: chosen.cause ?? null,
      count: Math.min(count, ROWS_AT_MOST),
      found: count,
      typedAbove: TYPED_ABOVE,
      perSecond: PER_SECOND,
      problem,
      section: SECTIONS[chosen.act],
      ...described,
    };
    return renderPage(<BulkPreviewPage viewer={viewer} view={view} />);
  }

  private async count({ act, code, signature, cause }: Chosen): Promise<number> {
    if (act === 'replay-rejections') return this.rejections.countOpen(cause);
    const groups = await this.deadLetters.summary();
    return groups
      .filter((group) => !code || group.code === code)
      .filter((group) => signature === undefined || (group.signature ?? '') === signature)
      .reduce((sum, { count }) => sum + count, 0);
  }

  private describe(chosen: Chosen): Promise<Pick<BulkPreview, 'title' | 'sample' | 'repair'>> {
    return chosen.act === 'replay-rejections' ? this.describeRejections(chosen) : this.describeDeadLetters(chosen);
  }

  /** Tries the repair on a sample, without storing anything. */
  private async describeRejections(chosen: Chosen): Promise<Pick<BulkPreview, 'title' | 'sample' | 'repair'>> {
    const repair = repairOf(chosen);
    const ids = await this.rejections.openIds(SAMPLE, chosen.cause);
    const found = await Promise.all(ids.map((id) => this.rejections.find(id)));
    const names = new Set(found.flatMap((rejection) => this.rejections.fieldNamesOf(rejection)));
    return {
      title: 'Repair and replay rejections',
      sample: found.map((rejection) => {
        const refusal = this.rejections.refusalOf(rejection, repair);
        const { id, receivedAt, detail } = rejection;
        return { id, label: receivedAt, detail, refusal: refusal === null ? null : refusal.message };
      }),
      repair: { ...repair, fields: REPAIRABLE, sources: [...names].toSorted().slice(0, 50) },
    };
  }

  private async describeDeadLetters({ code, signature }: Chosen): Promise<Pick<BulkPreview, 'title' | 'sample' | 'repair'>> {
    const page = await this.deadLetters.list({ code, signature }, SAMPLE, null);
    return {
      title: ['Replay dead letters', code && `with ${code}`, signature && `(${signature})`].filter(Boolean).join(' '),
      sample: page.items.map(({ id, name, email, message }) => ({ id, label: name ?? email, detail: message, refusal: null })),
      repair: null,
    };
  }
}

function repairOf(chosen: Chosen): Repair {
  const campaign = chosen['set.campaign_id'].trim();
  const renamed = { email: chosen['from.email'], campaign_id: chosen['from.campaign_id'], name: chosen['from.name'] };
  return {
    corrected: campaign === '' ? {} : { campaign_id: campaign },
    renamed: Object.fromEntries(Object.entries(renamed).filter(([, source]) => source !== '')),
  };
}
