import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Param, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AppError } from '../domain/app-error.js';
import { Access } from '../platform/http/access.js';

const FOLDER = join(import.meta.dirname, '../../public/console');
const TYPES: Record<string, string> = {
  'console.css': 'text/css; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/** The stylesheet, the script and the icon. They are the same for everyone, so the sign-in page can use them too. */
@Controller('console/assets')
export class ConsoleAssetsController {
  @Access('public')
  @Get(':name')
  asset(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply): StreamableFile {
    const type = Object.hasOwn(TYPES, name) ? TYPES[name]! : null;
    if (type === null) throw new AppError('NOT_FOUND', 'The console has no such file.');
    void reply.header('cache-control', 'public, max-age=300').header('x-content-type-options', 'nosniff');
    return new StreamableFile(createReadStream(join(FOLDER, name)), { type });
  }
}
