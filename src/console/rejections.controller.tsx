import { Body, Controller, HttpCode, Query, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { AuditLogRepository } from '../ledger/audit-log.repository.js';
import { BulkActionsRepository } from '../ledger/bulk-actions.repository.js';
import { NO_SUCH_REJECTION, RejectionsService } from '../ops/rejections/rejections.service.js';
import { decodeCursor, encodeCursor } from '../platform/database/cursor-pagination.js';
import { textOfKeptBody } from '../platform/http/read-kept-body.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import { IdParam } from '../platform/http/id.pipe.js';
import { Notice } from './components/blocks.js';
import { RECENT_REPLAYS } from './components/recent-replays.js';
import { Text } from './components/text.js';
import { ActionForm, Page, ReadForm, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { fieldsOf, formSchema } from './form-fields.js';
import { renderPage } from './layout.js';
import { brokenPlaceOf } from './broken-place.js';
import { isMasked } from './personal-data.js';
import { RejectionPage, RejectionsPage, type RejectionView } from './pages/rejections.page.js';

const PATH = '/console/rejections';
const PAGE = 50;
const listSchema = z.object({
  cursor: z.string().max(500).optional(),
  cause: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'is not one of the list of causes')
    .optional(),
});

/** Refused requests, and one of them with the place that is wrong and a form that repairs it. */
@Controller('console/rejections')
export class ConsoleRejectionsController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly rejections: RejectionsService,
    private readonly auditLog: AuditLogRepository,
    private readonly bulkActions: BulkActionsRepository,
  ) {}

  @Page('')
  async list(
    @Query({ schema: listSchema }) { cursor, cause }: z.output<typeof listSchema>,
    @PageRequest() request: FastifyRequest,
  ) {
    const [viewer, open, groups, { items, next }, replays] = await Promise.all([
      this.viewers.of(request),
      this.rejections.countOpen(),
      this.rejections.causes(),
      this.rejections.list(PAGE, cursor ? decodeCursor(cursor) : null, cause),
      this.bulkActions.listBulkActions('replay-rejections', RECENT_REPLAYS),
    ]);
    const hrefOf = (more: Record<string, string>) => {
      const query = new URLSearchParams({ ...(cause ? { cause } : {}), ...more });
      return query.size > 0 ? `${PATH}?${query}` : PATH;
    };
    const view = {
      open,
      causes: groups.map(({ oldest, newest, ...group }) => ({
        ...group,
        firstSeen: oldest.toISOString(),
        lastSeen: newest.toISOString(),
      })),
      cause: cause ?? null,
      items: items.map(({ id, receivedAt, code, detail, replayedAs }) => ({ id, receivedAt, code, detail, replayedAs })),
      first: cursor ? hrefOf({}) : null,
      next: next ? hrefOf({ cursor: encodeCursor(next) }) : null,
      replays,
    };
    return renderPage(<RejectionsPage viewer={viewer} view={view} />);
  }

  @Page(':id')
  one(@IdParam(NO_SUCH_REJECTION) id: string, @PageRequest() request: FastifyRequest) {
    return this.page(id, request, isMasked(request));
  }

  /** Shows a viewer the body, once. */
  @ReadForm(':id/show')
  @HttpCode(200)
  async show(@IdParam(NO_SUCH_REJECTION) id: string, @CurrentOperator() by: Operator, @PageRequest() request: FastifyRequest) {
    await this.auditLog.recordAct(by.name, 'show-personal-data', { rejection: id });
    return this.page(id, request, false);
  }

  @ActionForm(':id/replay')
  async replay(
    @IdParam(NO_SUCH_REJECTION) id: string,
    @Body({ schema: formSchema }) form: z.output<typeof formSchema>,
    @CurrentOperator() by: Operator,
    @PageRequest() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const filled = Object.entries(fieldsOf(form)).filter(([, value]) => value.trim() !== '');
    const corrected = Object.fromEntries(filled);
    const { replayedAs } = await this.rejections.find(id);
    if (replayedAs) return seeOther(reply, `/console/leads/${replayedAs}?done=replayed-before`);
    try {
      const { leadId } = await this.rejections.replay(id, { corrected }, by.name);
      return seeOther(reply, `/console/leads/${leadId}?done=replayed`);
    } catch (error) {
      if (!(error instanceof AppError) || error.class !== 'input' || error.code === 'NOT_FOUND') throw error;
      void reply.code(400);
      return this.page(id, request, false, { error, corrected });
    }
  }

  /** A correction that was refused keeps what was typed. */
  private async page(
    id: string,
    request: FastifyRequest,
    masked: boolean,
    refused?: { error: AppError; corrected: Record<string, string> },
  ): Promise<string> {
    const [viewer, rejection] = await Promise.all([this.viewers.of(request), this.rejections.find(id)]);
    const view: RejectionView = {
      id,
      receivedAt: rejection.receivedAt,
      contentType: rejection.contentType,
      code: rejection.code,
      detail: rejection.detail,
      problems: rejection.problems,
      body: masked ? null : brokenPlaceOf(textOfKeptBody(rejection), rejection),
      replayedAs: rejection.replayedAs,
      fields: correctable([...rejection.problems, ...(refused?.error.problems ?? [])], refused?.corrected ?? {}),
    };
    const notice = refused ? (
      <Notice tone="bad" title="It is still wrong. Nothing was stored.">
        <ul>
          {problemsIn(refused.error).map(({ path, message }) => (
            <li>
              <Text value={path ? `${path}: ${message}` : message} />
            </li>
          ))}
        </ul>
      </Notice>
    ) : undefined;
    return renderPage(<RejectionPage viewer={viewer} view={view} notice={notice} />);
  }
}

function problemsIn({ problems, message }: AppError): { path: string; message: string }[] {
  return problems.length > 0 ? problems : [{ path: '', message }];
}

/** The fields that a lead must have, those that the refusal names, and those that were typed. */
function correctable(problems: { path: string }[], typed: Record<string, string>): [string, string][] {
  const named = problems.map(({ path }) => path).filter((path) => path !== '');
  const names = new Set(['email', 'campaign_id', 'name', ...named, ...Object.keys(typed)]);
  return [...names].map((name) => [name, typed[name] ?? '']);
}
