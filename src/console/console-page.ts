import { applyDecorators, Get, Header, Post, UseFilters, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AppError } from '../domain/app-error.js';
import { Access } from '../platform/http/access.js';
import { ConsoleErrorFilter } from './console-error.filter.js';
import { ConsoleSessionGuard } from './console-session.guard.js';
import { ConsoleFormsGuard } from './console-forms.guard.js';
import { HTML, PAGE_HEADERS } from './page-headers.js';

const headers = Object.entries(PAGE_HEADERS).map(([name, value]) => Header(name, value));
const html = Header('content-type', HTML);

/** A page that every operator may read. */
export const Page = (path: string) =>
  applyDecorators(
    Access('viewer', { session: true }),
    Get(path),
    UseGuards(ConsoleSessionGuard),
    UseFilters(ConsoleErrorFilter),
    html,
    ...headers,
  );

/** A list as a file for a spreadsheet. */
export const CsvDownload = (path: string) => Download(path, 'text/csv; charset=utf-8');

/** A file under the last part of its address. */
export const Download = (path: string, type: string) =>
  applyDecorators(
    Access('viewer', { session: true }),
    Get(path),
    UseGuards(ConsoleSessionGuard),
    UseFilters(ConsoleErrorFilter),
    Header('content-type', type),
    Header('content-disposition', `attachment; filename="${path.split('/').at(-1)}"`),
    ...headers,
  );

/** For everyone: the sign-in and its page. */
export const PublicPage = (method: typeof Get | typeof Post, path: string) =>
  applyDecorators(Access('public'), method(path), html, ...headers);

/** A file that is not the whole list says so in its name. */
export function nameFirst(reply: FastifyReply, rows: number, list: string): void {
  void reply.header('content-disposition', `attachment; filename="${list}-first-${rows}.csv"`);
}

/** A form that shows something and changes nothing but the audit log. */
export const ReadForm = (path: string) => form(path, 'viewer');

/** A form that changes something. */
export const ActionForm = (path: string) => form(path, 'operator');

function form(path: string, access: 'viewer' | 'operator') {
  return applyDecorators(
    Access(access, { session: true }),
    Post(path),
    UseGuards(ConsoleFormsGuard, ConsoleSessionGuard),
    UseFilters(ConsoleErrorFilter),
    html,
    ...headers,
  );
}

/**
 * Runs an action on a dead letter. Where the lead is none any more, since another operator was faster or the form was
 * sent twice, its page shows what became of it.
 */
export async function orLeadPage(reply: FastifyReply, leadId: string, act: () => Promise<string>): Promise<string> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error;
    return seeOther(reply, `/console/leads/${leadId}?done=before`);
  }
}

/** The answer of a form that has done its work: the browser loads the page that shows the outcome. */
export function seeOther(reply: FastifyReply, location: string): string {
  void reply.code(303).header('location', location);
  return '';
}
