import { Body, Controller, HttpCode, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../domain/app-error.js';
import { AuditLogRepository } from '../ledger/audit-log.repository.js';
import { ROWS_PER_PAGE } from '../ledger/leads.repository.js';
import { SavedViewsRepository } from '../ledger/saved-views.repository.js';
import { DeadLetters } from '../ops/dead-letters/dead-letters.service.js';
import { leadSearchSchema } from '../ops/leads.schemas.js';
import { LeadsService, NOT_SYNCED } from '../ops/leads.service.js';
import { PrivacyService } from '../ops/privacy/privacy.service.js';
import type { Config } from '../platform/config/config.js';
import { RoutingOpsService } from '../ops/routing/routing-ops.service.js';
import { CurrentOperator, type Operator } from '../platform/http/access.js';
import { IdParam } from '../platform/http/id.pipe.js';
import { CONFIG } from '../platform/platform.module.js';
import { ActiveProfile } from '../trials/active-profile.js';
import { Notice } from './components/blocks.js';
import { ActionForm, CsvDownload, Page, ReadForm, seeOther } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { csvOf } from './csv.js';
import { renderPage } from './layout.js';
import { leadItemOf, leadViewOf } from './lead-view.js';
import { savableOf, viewsOf } from './list-views.js';
import { LeadPage } from './pages/lead.page.js';
import type { LeadFilters } from './components/lead-filters.js';
import { LeadsPage, type LeadsView } from './pages/leads.page.js';

const PAGE = 50;
const CSV_ROWS = 10_000;
const NO_SUCH_LEAD = 'No lead has this id. It may have been erased.';

/** An empty field of the form means that it does not filter. */
const filtersSchema = z.record(z.string(), z.string().max(2000)).transform((given) => {
  const filled = Object.entries(given).filter(([, value]) => value.trim() !== '');
  return Object.fromEntries(filled) as LeadFilters & { cursor?: string };
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
    return this.listPage(await this.page(filters, cursor), filters, cursor, request);
  }

  /** By POST, so that the address is in no access log. */
  @ReadForm('leads/search')
  @HttpCode(200)
  async search(@Body({ schema: emailSchema }) { email }: z.output<typeof emailSchema>, @PageRequest() request: FastifyRequest) {
    const found = await this.leads.list(leadSearchSchema.parse({ email, limit: PAGE }));
    return this.listPage(found, {}, undefined, request, true);
  }

  @CsvDownload('leads.csv')
  async csv(@Query({ schema: filtersSchema }) query: z.output<typeof filtersSchema>, @PageRequest() request: FastifyRequest) {
    const masked = request.operator?.role !== 'operator';
    const rows = [];
    let cursor: string | undefined;
    do {
      const { items, nextCursor } = await this.page(query, cursor, 200);
      rows.push(...items.map((item) => leadItemOf(item, masked)));
      cursor = nextCursor ?? undefined;
    } while (cursor && rows.length < CSV_ROWS);
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
    const kept = savableOf(filtersSchema.parse(Object.fromEntries(new URLSearchParams(query))));
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
    return this.leadPage(id, request, request.operator?.role !== 'operator', NOTICES[String(done)]);
  }

  /** Shows a viewer the personal data of one lead, once. */
  @ReadForm('leads/:id/show')
  @HttpCode(200)
  async show(@IdParam(NO_SUCH_LEAD) id: string, @CurrentOperator() by: Operator, @PageRequest() request: FastifyRequest) {
    await this.auditLog.recordAct(by.name, 'show-personal-data', { leadId: id });
    return this.leadPage(id, request, false);
  }

  @ActionForm('leads/:id/replay')
  async replay(
    @IdParam(NO_SUCH_LEAD) id: string,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.deadLetters.replay(id, by.name);
    return seeOther(reply, `/console/leads/${id}?done=replayed`);
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
    @Param('id') id: string,
    @Body({ schema: emailSchema }) { email }: z.output<typeof emailSchema>,
    @CurrentOperator() by: Operator,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const lead = await this.leads.journey(id);
    if (email.trim().toLowerCase() !== lead.email.toLowerCase()) {
      throw new AppError('BAD_REQUEST', 'The address that you typed is not that of this lead. Nothing was erased.');
    }
    await this.people.erase(lead.email, by.name);
    return seeOther(reply, '/console/audit');
  }

  private page(filters: LeadFilters, cursor: string | undefined, limit = PAGE) {
    const parsed = leadSearchSchema.safeParse({ ...filters, limit, ...(cursor ? { cursor } : {}) });
    if (!parsed.success) {
      const problems = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
      throw new AppError('BAD_REQUEST', 'The filters of this address cannot be read.', { problems });
    }
    return this.leads.list(parsed.data);
  }

  private async listPage(
    found: Awaited<ReturnType<LeadsService['list']>>,
    filters: LeadFilters,
    cursor: string | undefined,
    request: FastifyRequest,
    ofPerson = false,
  ): Promise<string> {
    const [viewer, saved, rules, owners] = await Promise.all([
      this.viewers.of(request),
      this.views.listViews(),
      this.profile.rules(),
      this.routing.ownersOf(found.items.map(({ id }) => id)),
    ]);
    const masked = request.operator?.role !== 'operator';
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

  private async leadPage(id: string, request: FastifyRequest, masked: boolean, done?: string): Promise<string> {
    const [viewer, journey] = await Promise.all([this.viewers.of(request), this.leads.journey(id)]);
    const view = leadViewOf(journey, { masked, config: this.config });
    const notice = done ? <Notice tone="good" title={done} /> : undefined;
    return renderPage(<LeadPage viewer={viewer} view={view} notice={notice} />);
  }
}

const NOTICES: Record<string, string> = {
  replayed: 'Replayed. The timeline shows each step.',
  rescored: 'A new score is requested. It comes when the scorer has capacity to spare, and the CRM gets it.',
  edited: 'Corrected and replayed. The timeline shows each step.',
};

function sortedOtherwise(filters: LeadFilters): URLSearchParams {
  return new URLSearchParams({ ...(filters as Record<string, string>), sort: filters.sort === 'oldest' ? 'newest' : 'oldest' });
}
