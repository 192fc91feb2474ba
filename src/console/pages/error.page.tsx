import { Notice, PageHead } from '../components/blocks.js';
import { Text } from '../components/text.js';
import { Layout, type Viewer } from '../layout.js';

export interface ErrorView {
  title: string;
  detail: string;
  code: string;
  requestId: string;
  /** The section of the runbook about it; null where there is none. */
  runbook: string | null;
  /** The page itself, where it may work later; the script loads it again then. */
  retryHref: string | null;
}

/** What went wrong with a page or an action, and what was kept. */
export function ErrorPage({ viewer, view }: { viewer: Viewer; view: ErrorView }) {
  return (
    <Layout title={view.title} section="" viewer={viewer}>
      <PageHead title={view.title} />
      <Notice tone="bad" title={view.code}>
        <p>
          <Text value={view.detail} />
        </p>
        <p class="muted">{`Request ${view.requestId}`}</p>
      </Notice>
      <p class="row">
        {view.retryHref ? (
          <a href={view.retryHref} data-retry="">
            Try again
          </a>
        ) : null}
        {view.runbook ? <a href={`/console/runbook#${view.runbook}`}>What to do (runbook)</a> : null}
        <a href="/console">Back to the start</a>
      </p>
    </Layout>
  );
}
