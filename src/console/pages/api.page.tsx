import { Badge } from '../components/badges.js';
import { PageHead } from '../components/blocks.js';
import { Table } from '../components/table.js';
import { Layout, type Viewer } from '../layout.js';

export interface ApiGroup {
  name: string;
  operations: {
    method: string;
    path: string;
    summary: string;
    about: string | null;
    /** Whose secret the call needs. */
    who: string;
    problems: readonly string[];
  }[];
}

export interface ApiView {
  groups: ApiGroup[];
  /** Null while the page that tries calls out is switched off. */
  referenceHref: string | null;
}

/** All operations of the API, by subject. */
export function ApiPage({ viewer, view }: { viewer: Viewer; view: ApiView }) {
  return (
    <Layout title="API reference" section="/console/api" viewer={viewer}>
      <PageHead
        title="API reference"
        about="Everything that the console does, programs can do as well. Errors are RFC 9457 problems."
      >
        <span class="row push">
          {view.referenceHref ? (
            <a class="button" href={view.referenceHref}>
              Try it out
            </a>
          ) : null}
          <a class="button" href="/console/api/openapi.json">
            openapi.json
          </a>
        </span>
      </PageHead>
      {view.groups.map(({ name, operations }) => (
        <section class="stack">
          <h2>{name}</h2>
          <Table
            caption={name}
            columns={[
              {
                title: 'Operation',
                cell: ({ method, path, who }) => (
                  <div class="operation">
                    <Badge tone={method === 'GET' ? 'plain' : 'accent'}>{method}</Badge> <code>{path}</code>
                    <div class="sub">{`for ${who}`}</div>
                  </div>
                ),
              },
              {
                title: 'What it does',
                cell: ({ summary, about, problems }) => (
                  <div class="wide">
                    <WithCode text={summary} />
                    {about ? (
                      <div class="muted">
                        <WithCode text={about} />
                      </div>
                    ) : null}
                    {problems.length > 0 ? <div class="sub codes">{`Errors: ${problems.join(', ')}`}</div> : null}
                  </div>
                ),
              },
            ]}
            rows={operations}
          />
        </section>
      ))}
    </Layout>
  );
}

/** Text in which backticks mark code. */
function WithCode({ text }: { text: string }) {
  return <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}</>;
}
