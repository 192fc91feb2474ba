import { Body, Controller, Query, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { ERROR_CATALOG, type ErrorCode } from '../domain/error-catalog.js';
import { BulkActionsRepository } from '../ledger/bulk-actions.repository.js';
import type { DeadLetter, DeadLetterCause, DeadLetterGroup } from '../ledger/dead-letters.repository.js';
import { DeadLetters, NOT_A_DEAD_LETTER } from '../ops/dead-letters/dead-letters.service.js';
import { decodeCursor, encodeCursor } from '../platform/database/cursor-pagination.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import { IdParam } from '../platform/http/id.pipe.js';
import { Notice } from './components/blocks.js';
import { RECENT_REPLAYS } from './components/recent-replays.js';
import { ActionForm, orLeadPage, Page, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { asStored, fieldsOf, formSchema } from './form-fields.js';
import { renderPage } from './layout.js';
import { DeadLetterPage, DeadLettersPage, type DeadLettersView } from './pages/dead-letters.page.js';
import { isMasked, maskedEmail, maskedName, personHider } from './personal-data.js';

const PATH = '/console/dead-letters';
const PAGE = 50;
/** What the form of a correction holds at most. */
const EDITED_FIELDS = 100;
const EDITED_LENGTH = 4000;

const listSchema = z.object({
  code: z
    .string()
    .max(100)
    .optional()
    .transform((code) => code || undefined),
  signature: z.string().max(500).optional(),
  cursor: z.string().max(500).optional(),
  done: z.string().optional(),
});
const CORRECTED_MEANWHILE =
  'The lead was changed while you edited it. The form has your values; its timeline shows the others. Save again to replace them.';
const discardSchema = z.object({ reason: z.string().trim().min(1).max(500) });

/** Dead letters by their causes, and one of them with a form that corrects it. */
@Controller('console/dead-letters')
export class ConsoleDeadLettersController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly deadLetters: DeadLetters,
    private readonly bulkActions: BulkActionsRepository,
  ) {}

  @Page('')
  async list(
    @Query({ schema: listSchema }) { code, signature, cursor, done }: z.output<typeof listSchema>,
    @PageRequest() request: FastifyRequest,
  ) {
    const [viewer, groups, { items, next }, replays] = await Promise.all([
      this.viewers.of(request),
      this.deadLetters.summary(),
      this.deadLetters.list({ code, signature }, PAGE, cursor ? decodeCursor(cursor) : null),
      this.bulkActions.listBulkActions('replay-dead-letters', RECENT_REPLAYS),
    ]);
    const masked = isMasked(request);
    const filter = causeQuery({ code, signature });
    const view: DeadLettersView = {
      total: groups.reduce((sum, { count }) => sum + count, 0),
      groups: groups.map((group) => groupView(group, { code, signature })),
      code: code ?? null,
      signature: signature ?? null,
      items: items.map((letter) => ({
        id: letter.id,
        name: masked ? maskedName(letter.name) : letter.name,
        email: masked ? maskedEmail(letter.email) : letter.email,
        campaignId: letter.campaignId,
        diedAt: letter.diedAt,
        ...failureOf(letter, masked),
      })),
      first: cursor ? `${PATH}?${filter}` : null,
      next: next ? `${PATH}?${filter}&cursor=${encodeURIComponent(encodeCursor(next))}` : null,
      replays,
    };
    const notice =
      done === 'discarded' ? <Notice tone="good" title="Discarded. The service does not try this lead again." /> : undefined;
    return renderPage(<DeadLettersPage viewer={viewer} view={view} notice={notice} />);
  }

  @Page(':id')
  one(
    @IdParam(NOT_A_DEAD_LETTER) id: string,
    @PageRequest() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return orLeadPage(reply, id, async () => this.page(await this.deadLetters.find(id), request, []));
  }

  /** Corrects the lead and replays it; a correction of its key has made a new lead, which runs already. */
  @ActionForm(':id')
  correct(
    @IdParam(NOT_A_DEAD_LETTER) id: string,
    @Body({ schema: formSchema }) form: z.output<typeof formSchema>,
    @CurrentOperator() by: Operator,
    @PageRequest() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const typed = fieldsOf(form);
    return orLeadPage(reply, id, async () => {
      const letter = await this.deadLetters.find(id);
      if (form['revision'] !== undefined && form['revision'] !== String(letter.revision)) {
        void reply.code(400);
        return this.page(letter, request, [{ path: '', message: CORRECTED_MEANWHILE }], typed);
      }
      try {
        const fields = asStored(typed, Object.fromEntries(storedFields(letter)));
        const { status, leadId } = await this.deadLetters.correct(id, fields, by.name);
        if (status !== 'replaced') await this.deadLetters.replay(id, by.name);
        return seeOther(reply, `/console/leads/${leadId}?done=edited`);
      } catch (error) {
        if (!(error instanceof AppError) || error.class !== 'input' || error.code === 'NOT_FOUND') throw error;
        void reply.code(400);
        const problems = error.problems.length > 0 ? error.problems : [{ path: '', message: error.message }];
        return this.page(letter, request, problems, typed);
      }
    });
  }

  @ActionForm(':id/discard')
  discard(
    @IdParam(NOT_A_DEAD_LETTER) id: string,
    @Body({ schema: discardSchema }) { reason }: z.output<typeof discardSchema>,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return orLeadPage(reply, id, async () => {
      await this.deadLetters.discard(id, reason, by.name);
      return seeOther(reply, `${PATH}?done=discarded`);
    });
  }

  private async page(
    letter: DeadLetter,
    request: FastifyRequest,
    problems: { path: string; message: string }[],
    typed: Record<string, string> = {},
  ): Promise<string> {
    const viewer = await this.viewers.of(request);
    const masked = isMasked(request);
    const view = {
      id: letter.id,
      revision: letter.revision,
      ...failureOf(letter, masked),
      remedy: remedyOf(letter.code),
      stage: letter.stage,
      diedAt: letter.diedAt,
      // Only an operator gets the form; a correction that was refused keeps what was typed.
      fields: masked ? [] : editable(Object.entries({ ...Object.fromEntries(storedFields(letter)), ...typed })),
      problems,
    };
    return renderPage(<DeadLetterPage viewer={viewer} view={view} />);
  }
}

/** Fields that are not in the form stay as they are, so a very long lead can be corrected too. */
function editable(fields: [string, string][]): [string, string][] {
  return fields.filter(([, value]) => value.length <= EDITED_LENGTH).slice(0, EDITED_FIELDS);
}

function failureOf(letter: DeadLetter, masked: boolean) {
  const { code, message, answer = null } = letter;
  const hide = masked ? personHider(letter) : (text: string) => text;
  return { code, message: hide(message), answer: answer === null ? null : hide(answer) };
}

function storedFields(letter: DeadLetter): [string, string][] {
  const { emailRaw, campaignId, name, attributes } = letter;
  return [['email', emailRaw], ['campaign_id', campaignId], ['name', name ?? ''], ...Object.entries(attributes)];
}

/** As the address of a list has it. */
function causeQuery(cause: DeadLetterCause): string {
  const given = Object.entries(cause).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given as [string, string][]).toString();
}

function groupView(group: DeadLetterGroup, shown: DeadLetterCause) {
  const { stage, code, signature, count, oldest, newest } = group;
  const query = causeQuery({ code, signature: signature ?? '' });
  return {
    stage,
    code,
    cause: signature,
    count,
    firstSeen: oldest.toISOString(),
    lastSeen: newest.toISOString(),
    remedy: remedyOf(code),
    href: `${PATH}?${query}`,
    current: query === causeQuery(shown),
  };
}

function remedyOf(code: string): string {
  return ERROR_CATALOG[code as ErrorCode]?.remedy ?? '';
}
