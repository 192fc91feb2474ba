import { Body, Controller, HttpCode, Inject, Query, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { AuditLogRepository } from '../ledger/audit-log.repository.js';
import { ROWS_PER_PAGE } from '../ledger/leads.repository.js';
import { SavedViewsRepository } from '../ledger/saved-views.repository.js';
import { DeadLetters } from '../ops/dead-letters/dead-letters.service.js';
import { leadFilterSchema, leadSearchSchema } from '../ops/leads.schemas.js';
import { LeadsService, NOT_SYNCED, type Journey } from '../ops/leads.service.js';
import { PrivacyService } from '../ops/privacy/privacy.service.js';
import type { Config } from '../platform/config/config.js';
import { RoutingOpsService } from '../ops/routing/routing-ops.service.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import { IdParam } from '../platform/http/id.pipe.js';
import { parsedBy } from '../platform/http/schema.pipe.js';
import { CONFIG } from '../platform/platform.module.js';
import { ActiveProfile } from '../trials/active-profile.js';
import { Notice, type NoticeTone } from './components/blocks.js';
import { ActionForm, CsvDownload, nameFirst, orLeadPage, Page, ReadForm, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { csvOf } from './csv.js';
import { renderPage } from './layout.js';
import { leadItemOf, leadViewOf } from './lead-view.js';
import { savableOf, viewsOf } from './list-views.js';
import { LeadPage } from './pages/lead.page.js';
import { isMasked } from './personal-data.js';
import type { LeadFilters } from './components/lead-filters.js';
import { LeadsPage, type LeadsView } from './pages/leads.page.js';

const PAGE = 50;
const CSV_ROWS = 10_000;
const NO_SUCH_LEAD = 'No lead has this id. It may have been erased.';

/** An empty field of the form means that it does not filter. The API has two names for the campaign, and the form one. */
const filtersSchema = z.record(z.string(), z.string().max(2000)).transform((given) => {
  const filled = Object.entries(given).filter(([, value]) => value.trim() !== '');
  const { campaign_id: campaignId, ...others } = Object.fromEntries(filled);
  return { ...(campaignId === undefined ? {} : { campaignId }), ...others } as LeadFilters & { cursor?: string };
});
const viewNameSchema = z.object({ name: z.string().trim().min(1).max(60) });
const viewSchema = viewNameSchema.extend({ query: z.string().max(2000) });
const emailSchema = z.object({ email: z.string().max(400) });

/** The list of leads, and one lead with its history. */
@Controller('console')
export class ConsoleLeadsController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly leads: LeadsService,
    private readonly deadLetters: DeadLetters,
    private readonly people: PrivacyService,
    private readonly auditLog: AuditLogRepository,
    private readonly views: SavedViewsRepository,
    private readonly profile: ActiveProfile,
    private readonly routing: RoutingOpsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Page('leads')
  async list(@Query({ schema: filtersSchema }) query: z.output<typeof filtersSchema>, @PageRequest() request: FastifyRequest) {
    const { cursor, ...filters } = query;
    return this.listPage(this.page(filters, cursor), filters, cursor, request);
  }

  /** By POST, so that the address is in no access log. */
  @ReadForm('leads/search')
  @HttpCode(200)
  async search(@Body({ schema: emailSchema }) { email }: z.output<typeof emailSchema>, @PageRequest() request: FastifyRequest) {
    return this.listPage(this.leads.list(leadSearchSchema.parse({ email, limit: PAGE })), {}, undefined, request, true);
  }

  @CsvDownload('leads.csv')
  async csv(
    @Query({ schema: filtersSchema }) query: z.output<typeof filtersSchema>,
    @PageRequest() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const masked = isMasked(request);
    const rows = [];
    let cursor: string | undefined;
    do {
      const { items, nextCursor } = await this.page(query, cursor, 200);
      rows.push(...items.map((item) => leadItemOf(item, masked)));
      cursor = nextCursor ?? undefined;
    } while (cursor && rows.length < CSV_ROWS);
    if (cursor) nameFirst(reply, CSV_ROWS, 'leads');
    if (!masked) await this.auditLog.recordAct(request.operator!.name, 'download-leads', { count: rows.length });
    return csvOf(
      ['id', 'name', 'email', 'company', 'campaign_id', 'state', 'fit_score', 'intent', 'received_at'],
      rows.map((row) => [
        row.id,
        row.name,
        row.email,
        row.company,
        row.campaignId,
        row.state,
        row.fitScore,
        row.intent,
        row.receivedAt,
      ]),
    );
  }

  /** A name for the list of an address, for all operators. */
  @ActionForm('leads/views')
  async saveView(
    @Body({ schema: viewSchema }) { name, query }: z.output<typeof viewSchema>,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const kept = savableOf(parsedBy(filtersSchema, Object.fromEntries(new URLSearchParams(query))));
    parsedBy(leadFilterSchema, Object.fromEntries(new URLSearchParams(kept)));
    if (!(await this.views.saveView({ name, query: kept, who: by.name }))) {
      throw new AppError('BAD_REQUEST', 'There are 50 saved views already. Delete one, then save this one again.');
    }
    return seeOther(reply, `/console/leads?${kept}`);
  }

  @ActionForm('leads/views/delete')
  async deleteView(
    @Body({ schema: viewNameSchema }) { name }: z.output<typeof viewNameSchema>,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.views.deleteView(name, by.name);
    return seeOther(reply, '/console/leads');
  }

  @Page('leads/:id')
  async lead(@IdParam(NO_SUCH_LEAD) id: string, @Query('done') done: unknown, @PageRequest() request: FastifyRequest) {
    return this.leadPage(
      id,
      request,
      isMasked(request),
      Object.hasOwn(NOTICES, String(done)) ? NOTICES[String(done)] : undefined,
    );
  }

  /** Shows a viewer the personal data of one lead, once. */
  @ReadForm('leads/:id/show')
  @HttpCode(200)
  async show(@IdParam(NO_SUCH_LEAD) id: string, @CurrentOperator() by: Operator, @PageRequest() request: FastifyRequest) {
    await this.auditLog.recordAct(by.name, 'show-personal-data', { leadId: id });
    return this.leadPage(id, request, false);
  }

  @ActionForm('leads/:id/replay')
  replay(@IdParam(NO_SUCH_LEAD) id: string, @CurrentOperator() by: Operator, @Res({ passthrough: true }) reply: FastifyReply) {
    return orLeadPage(reply, id, async () => {
      await this.deadLetters.replay(id, by.name);
      return seeOther(reply, `/console/leads/${id}?done=replayed`);
    });
  }

  @ActionForm('leads/:id/rescore')
  async rescore(
    @IdParam(NOT_SYNCED) id: string,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.leads.rescore(id, by.name);
    return seeOther(reply, `/console/leads/${id}?done=rescored`);
  }

  @ActionForm('leads/:id/erase')
  async erase(
    @IdParam(NO_SUCH_LEAD) id: string,
    @Body({ schema: emailSchema }) { email }: z.output<typeof emailSchema>,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const lead = await this.journey(id);
    if (email.trim().toLowerCase() !== lead.email.toLowerCase()) {
      throw new AppError('BAD_REQUEST', 'The address that you typed is not that of this lead. Nothing was erased.');
    }
    await this.people.erase(lead.email, by.name);
    return seeOther(reply, '/console/audit');
  }

  /** @throws AppError NOT_FOUND */
  private async journey(id: string): Promise<Journey> {
    return this.leads.journey(id).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'NOT_FOUND') throw new AppError('NOT_FOUND', NO_SUCH_LEAD);
      throw error;
    });
  }

  /** @throws AppError BAD_REQUEST */
  private async page(filters: LeadFilters, cursor: string | undefined, limit = PAGE) {
    return this.leads.list(parsedBy(leadFilterSchema, { ...filters, limit, ...(cursor ? { cursor } : {}) }));
  }

  private async listPage(
    finding: ReturnType<LeadsService['list']>,
    filters: LeadFilters,
    cursor: string | undefined,
    request: FastifyRequest,
    ofPerson = false,
  ): Promise<string> {
    const [viewer, saved, rules, found, owners] = await Promise.all([
      this.viewers.of(request),
      this.views.listViews(),
      this.profile.rules(),
      finding,
      finding.then(({ items }) => this.routing.ownersOf(items.map(({ id }) => id))),
    ]);
    const masked = isMasked(request);
    const query = new URLSearchParams(filters as Record<string, string>);
    const hrefOf = (path: string, next?: string) => {
      const parameters = new URLSearchParams(query);
      if (next) parameters.set('cursor', next);
      return parameters.size > 0 ? `${path}?${parameters}` : path;
    };
    const view: LeadsView = {
      items: found.items.map((item) => leadItemOf(item, masked, owners.get(item.id) ?? null)),
      filters,
      query: savableOf(filters),
      views: viewsOf(saved, query, rules.profile.bands.hot),
      hasOwners: this.config.ROUTING_RULES !== undefined,
      first: cursor ? hrefOf('/console/leads') : null,
      next: found.nextCursor ? hrefOf('/console/leads', found.nextCursor) : null,
      ofPerson,
      searchedAtMost: ROWS_PER_PAGE,
      csv: hrefOf('/console/leads.csv'),
      sorted: filters.sort === 'oldest' ? 'ascending' : 'descending',
      sortHref: `/console/leads?${sortedOtherwise(filters)}`,
    };
    return renderPage(<LeadsPage viewer={viewer} view={view} />);
  }

  private async leadPage(id: string, request: FastifyRequest, masked: boolean, done?: Done): Promise<string> {
    const [viewer, journey] = await Promise.all([this.viewers.of(request), this.journey(id)]);
    const view = leadViewOf(journey, { masked, config: this.config });
    const notice = done ? <Notice {...done} /> : undefined;
    return renderPage(<LeadPage viewer={viewer} view={view} notice={notice} />);
  }
}

interface Done {
  tone: NoticeTone;
  title: string;
}

/** What the form did that led to the page of a lead. */
const NOTICES: Record<string, Done> = {
  replayed: { tone: 'good', title: 'Replayed. The timeline shows each step.' },
  rescored: {
    tone: 'good',
    title: 'A new score is requested. It comes when the scorer has capacity to spare, and the CRM gets it.',
  },
  edited: { tone: 'good', title: 'Corrected and replayed. The timeline shows each step.' },
  before: {
    tone: 'warn',
    title: 'The lead is no dead letter: it was replayed, corrected, discarded or sent again meanwhile. Nothing was changed now.',
  },
  'replayed-before': { tone: 'warn', title: 'The request was replayed before, as this lead. Nothing was changed now.' },
};

function sortedOtherwise(filters: LeadFilters): URLSearchParams {
  return new URLSearchParams({ ...(filters as Record<string, string>), sort: filters.sort === 'oldest' ? 'newest' : 'oldest' });
}
