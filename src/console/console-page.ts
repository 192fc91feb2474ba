import { applyDecorators, Get, Header, Post, UseFilters, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Access } from '../platform/http/access.js';
import { ConsoleErrorFilter } from './console-error.filter.js';
import { CONTENT_SECURITY_POLICY } from './content-security-policy.js';
import { ConsoleFormsGuard } from './console-forms.guard.js';

const headers = [
  Header('content-security-policy', CONTENT_SECURITY_POLICY),
  Header('referrer-policy', 'same-origin'),
  Header('x-content-type-options', 'nosniff'),
  // Pages hold personal data, and Back must not show them after signing out.
  Header('cache-control', 'no-store'),
];
const html = Header('content-type', 'text/html; charset=utf-8');

/** A page that every operator may read. */
export const Page = (path: string) =>
  applyDecorators(Access('viewer', { session: true }), Get(path), UseFilters(ConsoleErrorFilter), html, ...headers);

/** A list as a file for a spreadsheet. */
export const CsvDownload = (path: string) => Download(path, 'text/csv; charset=utf-8');

/** A file under the last part of its address. */
export const Download = (path: string, type: string) =>
  applyDecorators(
    Access('viewer', { session: true }),
    Get(path),
    UseFilters(ConsoleErrorFilter),
    Header('content-type', type),
    Header('content-disposition', `attachment; filename="${path.split('/').at(-1)}"`),
    ...headers,
  );

/** A form that shows something and changes nothing but the audit log. */
export const ReadForm = (path: string) => form(path, 'viewer');

/** A form that changes something. */
export const ActionForm = (path: string) => form(path, 'operator');

function form(path: string, access: 'viewer' | 'operator') {
  return applyDecorators(
    Access(access, { session: true }),
    Post(path),
    UseGuards(ConsoleFormsGuard),
    UseFilters(ConsoleErrorFilter),
    html,
    ...headers,
  );
}

/** The answer of a form that has done its work: the browser loads the page that shows the outcome. */
export function seeOther(reply: FastifyReply, location: string): string {
  void reply.code(303).header('location', location);
  return '';
}
