import { renderToString } from 'preact-render-to-string';
import type { ComponentChildren, JSX } from 'preact';
import { Badge } from './components/badges.js';
import { Icon } from './components/icons.js';
import { visibleText } from './components/text.js';

/** Who looks at a page, and what the whole console shows on each. */
export interface Viewer {
  env: 'MOCK' | 'REAL';
  /** null: no OPS_TOKENS are set, so the console is open on loopback. */
  operator: { name: string; role: 'viewer' | 'operator' } | null;
  /** May the reader change anything? False for viewers and with CONSOLE=read-only. */
  canAct: boolean;
  /** Sent back with each form, for browsers without Sec-Fetch-Site. */
  formToken: string;
  now: Date;
  /** The page can be fetched again by its address; the answer of a form cannot. */
  refreshes: boolean;
  /** What waits for a person, as numbers beside the navigation. */
  waiting: { deadLetters: number; rejections: number } | null;
}

const SECTIONS = [
  ['/console', 'Now'],
  ['/console/leads', 'Leads'],
  ['/console/dead-letters', 'Dead letters'],
  ['/console/rejections', 'Rejections'],
  ['/console/stages', 'Stages'],
  ['/console/sla', 'SLA'],
  ['/console/routing', 'Routing'],
  ['/console/scores', 'Scores'],
  ['/console/marketo', 'Marketo'],
  ['/console/audit', 'Audit'],
] as const;

/** The command of the CLI that shows what a page shows. */
const COMMANDS: Record<string, string> = {
  '/console': 'npx revenueflow sla show',
  '/console/leads': 'npx revenueflow leads list',
  '/console/dead-letters': 'npx revenueflow dead-letters list',
  '/console/rejections': 'npx revenueflow rejections list',
  '/console/stages': 'npx revenueflow queues list',
  '/console/sla': 'npx revenueflow sla show',
  '/console/scores': 'npx revenueflow outcomes report',
  '/console/audit': 'npx revenueflow audit list',
  '/console/marketo': 'npx revenueflow marketo status',
  '/console/routing': 'npx revenueflow routing fairness',
};

interface LayoutProps {
  title: string;
  /** The address of the navigation entry that is current. */
  section: string;
  viewer: Viewer;
  /** The command that shows the same; default: that of the section. */
  command?: string;
  children: ComponentChildren;
}

export function Layout({ title, section, viewer, command = COMMANDS[section], children }: LayoutProps) {
  return (
    <Document title={title}>
      <a class="skip-link" href="#content">
        Skip to the content
      </a>
      <div class="shell">
        <header class="sidebar">
          <span class="brand-row">
            <a class="brand" href="/console">
              <img src="/console/assets/icon.svg" width="26" height="26" alt="" />
              RevenueFlow AI
            </a>
            <span class={`badge env-${viewer.env.toLowerCase()}`} title={ENVIRONMENTS[viewer.env]}>
              {viewer.env}
            </span>
          </span>
          <nav aria-label="Console">
            <ul class="nav">
              {SECTIONS.map(([href, name]) => (
                <li>
                  <a href={href} aria-current={href === section ? 'page' : undefined}>
                    <Icon page={href} />
                    <span>{name}</span>
                    <Waiting href={href} viewer={viewer} />
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <Foot viewer={viewer} />
        </header>
        <main id="content" data-refreshes={viewer.refreshes ? '' : undefined}>
          {viewer.operator ? null : (
            <p class="open-banner">No sign-in: OPS_TOKENS is not set, so everyone on this machine may use the console.</p>
          )}
          {viewer.refreshes ? (
            <div class="notice notice-bad" role="alert" data-live-problem="" hidden>
              <strong />
            </div>
          ) : null}
          {children}
          {command ? (
            <p class="command">
              {'The same in a terminal: '}
              <code>{command}</code>
            </p>
          ) : null}
        </main>
      </div>
    </Document>
  );
}

const ENVIRONMENTS = {
  MOCK: 'Everything runs on this machine, with a mock CRM',
  REAL: 'Changes reach the real CRM',
};

function Waiting({ href, viewer }: { href: string; viewer: Viewer }) {
  const count =
    href === '/console/dead-letters'
      ? viewer.waiting?.deadLetters
      : href === '/console/rejections'
        ? viewer.waiting?.rejections
        : undefined;
  return count ? <Badge tone="bad">{count > 999 ? '999+' : String(count)}</Badge> : null;
}

function Foot({ viewer }: { viewer: Viewer }) {
  return (
    <div class="sidebar-foot">
      <span class="row">
        <a href="/console/runbook">Runbook</a>
        <a href="/console/api">API reference</a>
      </span>
      {viewer.operator ? (
        <form method="post" action="/console/logout" class="row">
          <input type="hidden" name="formToken" value={viewer.formToken} />
          <span>{visibleText(`${viewer.operator.name} (${viewer.operator.role})`)}</span>
          <button class="link">Sign out</button>
        </form>
      ) : null}
      <span class="live-state" data-live-state="" hidden />
    </div>
  );
}

interface DocumentProps {
  title: string;
  /** The page that the browser shows in place of this one. */
  continueAt?: string;
  children: ComponentChildren;
}

export function Document({ title, continueAt, children }: DocumentProps) {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        {continueAt ? <meta http-equiv="refresh" content={`0;url=${continueAt}`} /> : null}
        <meta name="color-scheme" content="light dark" />
        <title>{`${visibleText(title)} · RevenueFlow AI`}</title>
        <link rel="icon" href="/console/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/console/assets/console.css" />
        <script src="/console/assets/console.js" type="module" />
      </head>
      <body>{children}</body>
    </html>
  );
}

/** The page as HTML. Everything in it is escaped by the renderer. */
export function renderPage(page: JSX.Element): string {
  return `<!doctype html>${renderToString(page)}`;
}
