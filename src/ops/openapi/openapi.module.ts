import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../platform/config/config.js';
import { HttpModule } from '../../platform/http/http.module.js';
import { CONFIG } from '../../platform/platform.module.js';
import { openApiDocument, type OpenApiDocument } from './document.js';
import { IndexController } from './index.controller.js';
import { API_DOCUMENT, OpenApiController } from './openapi.controller.js';
import { mountReferencePage, refuseReferencePage } from './reference-page.js';

let document: OpenApiDocument | undefined;
const documentOnce = () => (document ??= openApiDocument());

/** The API description for programs (/openapi.json) and people (/docs), and the index at /. */
@Module({
  imports: [HttpModule],
  controllers: [OpenApiController, IndexController],
  providers: [{ provide: API_DOCUMENT, useValue: documentOnce }],
})
export class OpenApiModule implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    if (this.config.API_DOCS === 'on') mountReferencePage(fastify, documentOnce);
    else refuseReferencePage(fastify);
  }
}
