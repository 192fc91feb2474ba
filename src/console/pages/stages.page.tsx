import { Action } from '../components/form.js';
import { Badge, type Tone } from '../components/badges.js';
import { Card, Facts, Live, Notice, PageHead } from '../components/blocks.js';
import { Text } from '../components/text.js';
import { rate, seconds, Time } from '../components/time.js';
import { Layout, type Viewer } from '../layout.js';

export interface StageView {
  name: string;
  about: string;
  paused: { by: string; at: string } | null;
  breaker: {
    state: string;
    reason: string | null;
    code: string | null;
    /** What is wrong and what to do, in a sentence. */
    explanation: string | null;
    answer: string | null;
    openedAt: string | null;
    nextProbeAt: string | null;
  };
  counts: { waiting: number; active: number; delayed: number } | null;
  oldestSeconds: number | null;
  perSecond: number | null;
  /** Calls per second of all workers together; null where the stage makes none. */
  rateLimit: number | null;
  /** Share of the rate limit in use after the downstream asked for less, 0 to 1. */
  rateShare: number;
  /** Leads in work at a time, of all workers together. */
  concurrency: number;
}

export interface StagesView {
  backend: string;
  stages: StageView[];
  workers: number;
  /** Null while the job board is switched off. */
  boardHref: string | null;
}

const BREAKER_TONES: Record<string, Tone> = { closed: 'good', recovering: 'warn', 'half-open': 'warn', open: 'bad' };

export function StagesPage({ viewer, view }: { viewer: Viewer; view: StagesView }) {
  return (
    <Layout title="Stages" section="/console/stages" viewer={viewer}>
      <PageHead
        title="Stages"
        about={`Two queues on ${view.backend}, worked on by ${view.workers} worker ${view.workers === 1 ? 'process' : 'processes'}.`}
      >
        {view.boardHref ? (
          <a class="push" href={view.boardHref}>
            Job board
          </a>
        ) : null}
      </PageHead>
      <Live id="stages">
        {view.workers === 0 ? (
          <Notice tone="bad" title="No worker is running">
            <p>Leads are accepted and wait. Start a process with ROLE=worker or ROLE=all.</p>
          </Notice>
        ) : null}
        <div class="grid-2">
          {view.stages.map((stage) => (
            <StageCard stage={stage} viewer={viewer} />
          ))}
        </div>
      </Live>
    </Layout>
  );
}

function StageCard({ stage, viewer }: { stage: StageView; viewer: Viewer }) {
  const { breaker, paused, counts } = stage;
  return (
    <Card title={stage.name} aside={stage.about}>
      <p class="row">
        <Badge tone={paused ? 'warn' : 'good'}>{paused ? 'paused' : 'running'}</Badge>
        <Badge tone={BREAKER_TONES[breaker.state] ?? 'plain'}>{`breaker ${breaker.state}`}</Badge>
      </p>
      {breaker.state === 'closed' || !breaker.code ? null : (
        <Notice tone="bad" title={`${breaker.code} (${breaker.reason})`}>
          {breaker.explanation ? (
            <p>
              <Text value={breaker.explanation} />
            </p>
          ) : null}
          {breaker.answer ? (
            <p class="mono">
              <Text value={breaker.answer} />
            </p>
          ) : null}
        </Notice>
      )}
      <Facts
        items={[
          ['Waiting', counts?.waiting ?? 'the queue store does not answer'],
          ['In work', counts?.active ?? null],
          ['Delayed', counts?.delayed ?? null],
          ['Oldest', stage.oldestSeconds ? seconds(stage.oldestSeconds) : 'no lead waits'],
          ['Leads per second', rate(stage.perSecond)],
          ['Rate limit', rateOf(stage)],
          ['At a time', `${stage.concurrency} leads at most`],
          ['Paused by', paused ? <Text value={paused.by} /> : null],
          ['Paused since', paused ? <Time at={paused.at} now={viewer.now} /> : null],
          ['Open since', breaker.openedAt ? <Time at={breaker.openedAt} now={viewer.now} /> : null],
          ['Next probe', breaker.nextProbeAt ? <Time at={breaker.nextProbeAt} now={viewer.now} format="relative" /> : null],
        ]}
      />
      <div>
        <Action
          viewer={viewer}
          to={`/console/stages/${stage.name}/${paused ? 'resume' : 'pause'}`}
          tone={paused ? 'primary' : 'danger'}
        >
          {paused ? `Resume ${stage.name}` : `Pause ${stage.name}`}
        </Action>
      </div>
    </Card>
  );
}

function rateOf({ rateLimit, rateShare }: StageView): string {
  if (rateLimit === null) return 'none: it makes no calls';
  const slowed = rateShare < 1 ? `, now ${Math.round(rateShare * 100)} % of it, as the downstream asked` : '';
  return `${rateLimit} calls per second${slowed}`;
}
