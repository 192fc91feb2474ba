import { Controller, Get, Header, Inject } from '@nestjs/common';
import { AppError } from '../../domain/app-error.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/platform.module.js';
import { openApiDocument, type OpenApiDocument } from './document.js';
import { referencePage } from './reference-page.js';

/** The API's description, for programs and for people. It is made when it is first asked for, and stays. */
@Controller()
export class OpenApiController {
  private document: OpenApiDocument | undefined;
  private page: string | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Get('openapi.json')
  openApi(): OpenApiDocument {
    return (this.document ??= openApiDocument());
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
  docs(): string {
    if (this.config.API_DOCS === 'off') {
      throw new AppError('NOT_FOUND', 'The reference page is off. Set API_DOCS=on, or read GET /openapi.json.');
    }
    return (this.page ??= referencePage(this.openApi()));
  }
}
