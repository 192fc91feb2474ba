import { Controller, Query, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AuditLogRepository, type OperatorAct } from '../ledger/audit-log.repository.js';
import { CsvDownload, nameFirst, Page } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { csvOf } from './csv.js';
import { renderPage } from './layout.js';
import { AuditPage } from './pages/audit.page.js';
import { isMasked, withoutAddresses } from './personal-data.js';

const PAGE = 100;
const CSV_ROWS = 10_000;
const filled = z
  .string()
  .max(200)
  .transform((value) => value.trim() || undefined)
  .optional();
const querySchema = z.object({
  who: filled,
  act: filled,
  before: z
    .string()
    .regex(/^\d{1,18}$/, 'is not a place in the log')
    .optional(),
});

/** What operators did. */
@Controller('console')
export class ConsoleAuditController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly auditLog: AuditLogRepository,
  ) {}

  @Page('audit')
  async list(@Query({ schema: querySchema }) query: z.output<typeof querySchema>, @PageRequest() request: FastifyRequest) {
    const { before, ...filters } = query;
    const [viewer, acts, names] = await Promise.all([
      this.viewers.of(request),
      this.auditLog.listActs(filters, PAGE, before ?? null),
      this.auditLog.listActNames(),
    ]);
    const hrefOf = (path: string, more: Record<string, string> = {}) => {
      const parameters = new URLSearchParams({ ...defined(filters), ...more });
      return parameters.size > 0 ? `${path}?${parameters}` : path;
    };
    const view = {
      items: acts.map(({ at, who, act, detail }) => ({
        at: at.toISOString(),
        who,
        act,
        detail: shownOf(request)(detailText(detail)),
      })),
      filters,
      acts: names,
      first: before ? hrefOf('/console/audit') : null,
      next: acts.length === PAGE ? hrefOf('/console/audit', { before: acts.at(-1)!.id }) : null,
      csv: hrefOf('/console/audit.csv'),
    };
    return renderPage(<AuditPage viewer={viewer} view={view} />);
  }

  @CsvDownload('audit.csv')
  async csv(
    @Query({ schema: querySchema }) { who, act }: z.output<typeof querySchema>,
    @PageRequest() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const acts: OperatorAct[] = await this.auditLog.listActs({ who, act }, CSV_ROWS, null);
    if (acts.length === CSV_ROWS) nameFirst(reply, CSV_ROWS, 'audit');
    const shown = shownOf(request);
    return csvOf(
      ['at', 'who', 'act', 'detail'],
      acts.map((row) => [row.at.toISOString(), row.who, row.act, shown(detailText(row.detail))]),
    );
  }
}

/** A reason that an operator typed may name a person. */
function shownOf(request: FastifyRequest): (text: string) => string {
  return isMasked(request) ? withoutAddresses : (text) => text;
}

function defined(filters: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as Record<string, string>;
}

/** Names and values; of a nested object with the names of both, without what is empty. */
function detailText(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .flatMap(([name, value]) => (isObject(value) ? nested(name, value) : [[name, value] as const]))
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

function nested(name: string, value: object): [string, unknown][] {
  return Object.entries(value).map(([inner, text]) => [`${name}.${inner}`, text]);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
