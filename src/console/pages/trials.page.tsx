import type { ListedTrial, Trial, TrialState } from '../../trials/trial.js';
import type { TrialFigures } from '../../trials/trial-report.js';
import type { ScorerInUse } from '../../trials/trial-rows.js';
import type { ReportedTrial } from '../../trials/trials.service.js';
import { Badge, BandBadge, IntentBadge, type Tone } from '../components/badges.js';
import { Card, Empty, Facts, Notice, PageHead, Stats } from '../components/blocks.js';
import { Table } from '../components/table.js';
import { IN_A_LIST, Text } from '../components/text.js';
import { Time } from '../components/time.js';
import { Waterfall } from '../components/waterfall.js';
import { Layout, type Viewer } from '../layout.js';

const STATE_TONES: Record<TrialState, Tone> = { selecting: 'accent', running: 'accent', done: 'good', stopped: 'warn' };
const VERDICT_TONES: Record<TrialFigures['outcomes']['verdict'], Tone> = {
  better: 'good',
  worse: 'bad',
  'no difference shown': 'plain',
  'not enough outcomes': 'plain',
};
const BANDS = ['hot', 'warm', 'cold'] as const;
/** Leads whose reasons are shown; the others are in the API. */
const MOVERS_SHOWN = 5;

const percent = (value: number | null) => (value === null ? '–' : `${(value * 100).toFixed(1)} %`);
const decimal = (value: number | null, digits = 3) => (value === null ? '–' : value.toFixed(digits));

function challengerText(challenger: ListedTrial['challenger']): string {
  if (challenger === null) return 'cannot be read';
  const { provider, model, profile, instructions } = challenger;
  const parts = [
    provider,
    model,
    profile && `profile ${String(profile['name'] ?? 'without a name')}`,
    instructions && 'own prompt',
  ];
  return parts.filter(Boolean).join(', ') || 'the configuration';
}

interface TrialsPageProps {
  viewer: Viewer;
  champion: ScorerInUse;
  trials: ListedTrial[];
}

export function TrialsPage({ viewer, champion, trials }: TrialsPageProps) {
  return (
    <Layout title="Trials" section="/console/scores" viewer={viewer} command="npx revenueflow trials list">
      <PageHead title="Trials" about="Another scorer, prompt or profile beside the one in use.">
        <a class="button push" href="/console/scores">
          Scores
        </a>
      </PageHead>
      <Card title="In use">
        {champion.unreadable === null ? null : (
          <Notice tone="warn" title={`${champion.unreadable} Workers keep the scorer before it.`} />
        )}
        <p>
          {champion.trialId === null ? (
            'The scorer of the configuration.'
          ) : (
            <>
              <Text value={challengerText(champion.challenger)} /> (trial {champion.trialId}, version {champion.version}, promoted
              by <Text value={champion.who ?? ''} />)
            </>
          )}
        </p>
      </Card>
      {trials.length === 0 ? (
        <Empty title="No trial was started">
          <p>
            <code>npx revenueflow trials run backtest --profile file.json</code>
          </p>
        </Empty>
      ) : (
        <Table
          caption="Trials"
          columns={[
            { title: 'Trial', cell: ({ id }) => <a href={`/console/scores/trials/${id}`}>{id}</a> },
            { title: 'Kind', cell: ({ kind }) => kind },
            { title: 'State', cell: ({ state }) => <Badge tone={STATE_TONES[state]}>{state}</Badge> },
            { title: 'Challenger', cell: ({ challenger }) => <Text value={challengerText(challenger)} limit={IN_A_LIST} /> },
            { title: 'Started', cell: ({ createdAt }) => <Time at={createdAt} now={viewer.now} /> },
            { title: 'By', cell: ({ who }) => <Text value={who} limit={IN_A_LIST} /> },
            {
              title: 'Why',
              cell: ({ unreadable, reason, note }) => <Text value={unreadable ?? reason ?? note} limit={IN_A_LIST} />,
            },
          ]}
          rows={trials}
        />
      )}
    </Layout>
  );
}

export function TrialPage({ viewer, trial }: { viewer: Viewer; trial: ReportedTrial }) {
  const { id, kind, state, challenger, who, createdAt, note, reason, lastError, figures, movers, injections } = trial;
  return (
    <Layout title={`Trial ${id}`} section="/console/scores" viewer={viewer} command={`npx revenueflow trials show ${id}`}>
      <PageHead title={`Trial ${id}: ${kind}`} about={<Text value={challengerText(challenger)} />}>
        <Badge tone={STATE_TONES[state]}>{state}</Badge>
        <a class="button push" href="/console/scores/trials">
          Trials
        </a>
      </PageHead>
      {reason === null ? null : <Notice tone={state === 'stopped' ? 'warn' : 'plain'} title={reason} />}
      {lastError === null ? null : <Notice tone="warn" title={`The challenger cannot be asked now: ${lastError}`} />}
      {trial.unreadable === null ? null : <Notice tone="warn" title={trial.unreadable} />}
      {trial.unreadable !== null ? null : figures === null ? (
        <p class="muted">Its scores were removed.</p>
      ) : (
        <Figures figures={figures} settings={trial.settings} />
      )}
      <Card title="About">
        <Facts
          items={[
            ['Started', <Time at={createdAt} now={viewer.now} />],
            ['By', <Text value={who} />],
            ['Note', note === '' ? null : <Text value={note} />],
            ['Attacks', injections === null ? null : `${injections.raised} of ${injections.tried} raised the challenger's score`],
          ]}
        />
      </Card>
      {movers.slice(0, MOVERS_SHOWN).map(({ leadId, champion, challenger: other }, index) => (
        <Card title={`${champion.fitScore} now, ${other.fitScore} new`} aside={<a href={`/console/leads/${leadId}`}>Lead</a>}>
          <div class="grid-2">
            {[champion, other].map((score) => (
              <div class="stack">
                <p class="row">
                  <Text value={score.provider} /> <span>Intent</span> <IntentBadge intent={score.intent} />
                </p>
                <Waterfall
                  evidence={score.evidence}
                  total={score.fitScore}
                  of={`the ${score === champion ? 'present' : 'new'} score of lead ${index + 1}`}
                />
              </div>
            ))}
          </div>
        </Card>
      ))}
      {trial.unreadable === null ? (
        <p class="muted">
          To put it into use: <code>{`npx revenueflow trials promote ${id}`}</code>
        </p>
      ) : null}
    </Layout>
  );
}

function Figures({ figures, settings }: { figures: TrialFigures; settings: Trial['settings'] }) {
  const { scored, pending, failed, agreement, costUsdPerLead, tookMs, outcomes } = figures;
  const { difference } = outcomes.auc ?? {};
  const leads = (from: string, to: string) =>
    figures.bands.find((cell) => cell.champion === from && cell.challenger === to)?.leads ?? 0;
  return (
    <>
      <Stats
        items={[
          { label: 'Leads compared', value: scored, note: `${pending} to do, ${failed} failed` },
          { label: 'Same band', value: percent(agreement.sameBand), note: `same intent ${percent(agreement.sameIntent)}` },
          {
            label: 'Rank correlation',
            value: decimal(agreement.rankCorrelation),
            note: `mean difference ${decimal(agreement.meanDifference, 1)} points`,
          },
          {
            label: `${settings.target} in ${settings.horizonDays} days`,
            value: <Badge tone={VERDICT_TONES[outcomes.verdict]}>{outcomes.verdict}</Badge>,
            note: difference
              ? `AUC difference ${decimal(difference.value)} (${decimal(difference.low)} to ${decimal(difference.high)})`
              : `${outcomes.conversions} conversions of ${outcomes.leads} leads`,
          },
          {
            label: 'Cost per lead',
            value: `${decimal(costUsdPerLead.challenger, 5)} USD`,
            note: `now ${decimal(costUsdPerLead.champion, 5)}; p95 ${decimal(tookMs.p95, 0)} ms`,
          },
        ]}
      />
      <Table
        caption="Leads by band, now and new"
        columns={[
          { title: 'Now', cell: ({ from }) => <BandBadge band={from} /> },
          ...BANDS.map((to) => ({
            title: `New: ${to}`,
            cell: ({ from }: { from: (typeof BANDS)[number] }) => leads(from, to),
            numeric: true,
          })),
        ]}
        rows={BANDS.map((from) => ({ from }))}
      />
    </>
  );
}
