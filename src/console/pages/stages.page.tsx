import type { ComponentChildren } from 'preact';
import { Action } from '../components/action.js';
import { Badge, type Tone } from '../components/badges.js';
import { Card, Facts, Live, Notice, PageHead } from '../components/blocks.js';
import { seconds, Time } from '../components/time.js';
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
  /** Share of the configured rate in use, 0 to 1. */
  rateShare: number;
}

export interface StagesView {
  backend: string;
  stages: StageView[];
  workers: number;
  /** Null while the job board is switched off. */
  boardHref: string | null;
}

const BREAKER_TONES: Record<string, Tone> = { closed: 'good', recovering: 'warn', 'half-open': 'warn', open: 'bad' };

export function StagesPage({ viewer, view, notice }: { viewer: Viewer; view: StagesView; notice?: ComponentChildren }) {
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
      {notice}
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
          {breaker.explanation ? <p>{breaker.explanation}</p> : null}
          {breaker.answer ? <p class="mono">{breaker.answer}</p> : null}
        </Notice>
      )}
      <Facts
        items={[
          ['Waiting', counts?.waiting ?? 'the queue store does not answer'],
          ['In work', counts?.active ?? null],
          ['Delayed', counts?.delayed ?? null],
          ['Oldest', seconds(stage.oldestSeconds)],
          ['Leads per second', stage.perSecond],
          [
            'Rate in use',
            stage.rateShare < 1 ? `${Math.round(stage.rateShare * 100)} % of the configured rate` : 'as configured',
          ],
          ['Paused by', paused?.by ?? null],
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
