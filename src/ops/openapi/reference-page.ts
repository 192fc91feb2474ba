import type { OpenApiDocument } from './document.js';
import { FORM_TYPE } from './operation.js';

type Json = Record<string, unknown>;
interface Media {
  schema: { $ref?: string };
  /** References to components.examples, by code. */
  examples?: Record<string, object>;
}
interface Answer {
  description: string;
  content: Record<string, Media>;
}
interface Shown {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security: Record<string, string[]>[];
  parameters: { name: string; in: string; required?: boolean; description?: string; schema: Json }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { $ref: string } | Answer>;
}

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.6rem;border:1px solid #8885;border-radius:4px;max-height:28rem}
h2{margin-top:2.5rem;border-bottom:1px solid #8885}summary{cursor:pointer;padding:.35rem 0}details{border-bottom:1px solid #8883}
details details{border:0;margin-left:1rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-top:1px solid #8883}
.method{display:inline-block;width:4rem;font-weight:600}.who{color:#888}nav a{margin-right:1rem}`;

/** The document as one page: no scripts and nothing loaded from elsewhere, so it works wherever the service does. */
export function referencePage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Shown })),
  );
  const sections = document.tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return `<h2 id="${anchor(name)}">${escape(name)}</h2>${own.map((one) => operationHtml(document, one)).join('')}`;
  });
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `<details id="schema-${name}"><summary><code>${name}</code></summary>${code({ ...schema, examples: undefined })}</details>`,
  );
  const problems = Object.entries(document.components.examples).map(
    ([name, { value }]) => `<h4 id="problem-${name}"><code>${name}</code></h4>${code(value)}`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(document.info.title)}: API</title><style>${STYLE}</style>
<h1>${escape(document.info.title)}</h1><p>${prose(document.info.description)}</p>
<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>
<nav>${document.tags.map(({ name }) => `<a href="#${anchor(name)}">${escape(name)}</a>`).join('')}<a href="#problems">Problems</a><a href="#schemas">Schemas</a></nav>
${sections.join('\n')}<h2 id="problems">Problems</h2>${problems.join('\n')}<h2 id="schemas">Schemas</h2>${schemas.join('\n')}</html>`;
}

function operationHtml(
  document: OpenApiDocument,
  { path, method, operation }: { path: string; method: string; operation: Shown },
) {
  const { summary, description, parameters, requestBody, responses } = operation;
  return `<details id="${operation.operationId}"><summary><span class="method">${method.toUpperCase()}</span><code>${escape(path)}</code>
${escape(summary)} <span class="who">${whoMay(operation)}</span></summary>
${description ? `<p>${prose(description)}</p>` : ''}${parameterTable(parameters)}
${requestBody ? `<h4>Body</h4>${mediaHtml(document, requestBody.content)}` : ''}
<h4>Answers</h4>${Object.entries(responses)
    .map(([status, answer]) => [status, resolve(document, answer)] as const)
    .map(
      ([status, { description: means, content }]) =>
        `<details><summary><b>${status}</b> ${prose(means)}</summary>${mediaHtml(document, content)}</details>`,
    )
    .join('')}</details>`;
}

function resolve(document: OpenApiDocument, answer: { $ref: string } | Answer): Answer {
  return '$ref' in answer ? (document.components.responses[answer.$ref.split('/').at(-1)!] as unknown as Answer) : answer;
}

function whoMay({ security }: Shown): string {
  if (security.length === 0) return 'no token';
  if (security.some((scheme) => 'webhookSecret' in scheme)) return 'webhook secret';
  return `token: ${security.flatMap(({ opsToken = [] }) => opsToken).join(' or ')}`;
}

function parameterTable(parameters: Shown['parameters']): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(
    ({ name, in: place, description, schema }) =>
      `<tr><td><code>${escape(name)}</code></td><td>${place}</td><td>${escape(description ?? '')} <code>${escape(JSON.stringify(schema))}</code></td></tr>`,
  );
  return `<table>${rows.join('')}</table>`;
}

function mediaHtml(document: OpenApiDocument, content: Record<string, Media>): string {
  return Object.entries(content)
    .map(([type, { schema, examples }]) => {
      const name = schema.$ref?.split('/').at(-1);
      const component = name ? (document.components.schemas[name] as { examples?: unknown[] }) : undefined;
      const link = name ? ` <a href="#schema-${name}">${name}</a>` : '';
      const shown = examples
        ? Object.keys(examples).map(problemLink)
        : (component?.examples ?? []).map(type === FORM_TYPE ? form : code);
      return `<p><code>${escape(type)}</code>${link}</p>${shown.join(' ')}`;
    })
    .join('');
}

/** Each problem stands once on the page, however many operations may answer it. */
function problemLink(name: string): string {
  return `<a href="#problem-${name}"><code>${name}</code></a>`;
}

function code(value: unknown): string {
  return `<pre>${escape(JSON.stringify(value, null, 1))}</pre>`;
}

function form(value: unknown): string {
  return `<pre>${escape(new URLSearchParams(value as Record<string, string>).toString())}</pre>`;
}

/** The two marks that descriptions use: code, and lists of lines. */
function prose(text: string): string {
  return escape(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll('\n', '<br>');
}

/** For text; attributes hold names of ours only. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function anchor(name: string): string {
  return name.toLowerCase().replaceAll(' ', '-');
}
