import { Controller, Get, Inject } from '@nestjs/common';
import { Access } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';

/** `() => OpenApiDocument`. It is built on the first request, which most processes never receive. */
export const API_DOCUMENT = Symbol('API document');

@ApiTag('Service')
@Controller()
export class OpenApiController {
  constructor(@Inject(API_DOCUMENT) private readonly document: () => object) {}

  @Access('viewer', { basicAuth: true })
  @ApiOperation({
    id: 'openapi',
    summary: 'This document',
    answers: { 200: { means: 'OpenAPI 3.1.', body: { mediaType: 'application/json', about: 'An OpenAPI document' } } },
  })
  @Get('openapi.json')
  openApi(): object {
    return this.document();
  }
}
