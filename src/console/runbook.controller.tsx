import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Controller } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Marked } from 'marked';
import { Page } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage } from './layout.js';
import { RunbookPage } from './pages/runbook.page.js';

const FILE = join(import.meta.dirname, '../../docs/runbook.md');

/** The address of a section: its heading in lower case, as GitHub makes it. */
export function sectionId(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

const markdown = new Marked({
  renderer: {
    heading({ tokens, depth, text }) {
      return `<h${depth} id="${sectionId(text)}">${this.parser.parseInline(tokens)}</h${depth}>`;
    },
    // The other documents are not part of the installation.
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      return href.startsWith('#') || href.startsWith('https://') ? `<a href="${href}">${text}</a>` : text;
    },
  },
});

/** docs/runbook.md, so that it is at hand where a problem is shown. */
@Controller('console/runbook')
export class RunbookController {
  private html: Promise<string> | undefined;

  constructor(private readonly viewers: ConsoleViewer) {}

  @Page('')
  async runbook(@PageRequest() request: FastifyRequest): Promise<string> {
    this.html ??= readFile(FILE, 'utf8').then((text) => markdown.parse(text, { async: false }));
    const [viewer, html] = await Promise.all([this.viewers.of(request), this.html]);
    return renderPage(<RunbookPage viewer={viewer} html={html} />);
  }
}
