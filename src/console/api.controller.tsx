import { Controller, Inject } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { OPERATIONS, openApiDocument } from '../ops/openapi/document.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/platform.module.js';
import { Download, Page } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage } from './layout.js';
import { ApiPage, type ApiGroup } from './pages/api.page.js';

const WHO = { public: 'everyone', webhook: 'a webhook secret', viewer: 'viewer or operator', operator: 'operator' };

/** What the API can do, from the same description as openapi.json; it is there where the reference page is off. */
@Controller('console/api')
export class ApiController {
  constructor(
    private readonly viewers: ConsoleViewer,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Page('')
  async api(@PageRequest() request: FastifyRequest): Promise<string> {
    const groups = new Map<string, ApiGroup>();
    for (const { method, path, tag, summary, description, access, problems } of OPERATIONS) {
      const group = groups.get(tag) ?? { name: tag, operations: [] };
      groups.set(tag, group);
      const about = description ?? null;
      group.operations.push({ method: method.toUpperCase(), path, summary, about, who: WHO[access], problems });
    }
    const view = { groups: [...groups.values()], referenceHref: this.config.API_DOCS === 'on' ? '/docs' : null };
    return renderPage(<ApiPage viewer={await this.viewers.of(request)} view={view} />);
  }

  /** The session of the console does not reach /openapi.json, which programs ask for with a token. */
  @Download('openapi.json', 'application/json')
  document(): string {
    return JSON.stringify(openApiDocument(), null, 2);
  }
}
