import { Layout, type Viewer } from '../layout.js';

/** `html` is made of the runbook that ships with the service; no text of a lead is in it. */
export function RunbookPage({ viewer, html }: { viewer: Viewer; html: string }) {
  return (
    <Layout title="Runbook" section="/console/runbook" viewer={viewer}>
      <article class="card document" dangerouslySetInnerHTML={{ __html: html }} />
    </Layout>
  );
}
