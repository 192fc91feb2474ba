import { POLL_EVERY_MS, RESCORES_AT_ONCE } from '../../src/pipeline/rescore.poller.js';
import { WAITING_FOR_MODEL } from '../../src/pipeline/worker-host.js';
import type { Draw } from '../engine/draw.js';
import { Process } from '../engine/process.js';
import type { Timeline } from '../engine/timeline.js';
import type { Lead } from './lead.js';
import { Salesforce } from './salesforce.js';
import type { Scenario } from './scenario.js';
import { Scoring } from './scoring.js';
import type { Shared } from './shared.js';
import type { StageQueue, Taker } from './stage-queue.js';

/** Half a lease. */
const RESCORE_WAIT_MS = 30_000;
/** Each stage is half of a lead's CPU. */
const STAGE = 0.5;

export interface Queues {
  enrichment: StageQueue;
  'crm-sync': StageQueue;
}

/** One worker task: both stages and the rescore poller, on one thread. */
export class Worker {
  readonly process: Process;
  private readonly stores: Pick<Process, 'submit'>;
  readonly enrichment: Taker;
  readonly sync: Taker;
  readonly scoring: Scoring;
  private readonly salesforce: Salesforce | null;
  private readonly slaMs: number;
  private rescoring = false;
  queues!: Queues;

  constructor(
    private readonly timeline: Timeline,
    private readonly draw: Draw,
    scenario: Scenario,
    private readonly shared: Shared,
    share: Scenario['concurrency'],
  ) {
    this.slaMs = scenario.slaSeconds * 1000;
    this.process = new Process(timeline, shared.machines.forTask(scenario.worker.cores), shared.cost.cpu);
    this.stores = shared.machines.storesFor(shared.cost);
    this.scoring = new Scoring(timeline, draw, scenario, shared, share.enrichment);
    this.salesforce = scenario.crm ? new Salesforce(timeline, draw, scenario, shared) : null;
    this.enrichment = { inHand: 0, room: scenario.ai ? WAITING_FOR_MODEL : share.enrichment, take: (lead) => this.enrich(lead) };
    this.sync = { inHand: 0, room: share['crm-sync'], take: (lead) => this.bringToCrm(lead) };
  }

  private enrich(lead: Lead): void {
    const leave = () => this.queues.enrichment.done(this.enrichment);
    this.inStage('enrichment', () =>
      this.scoring.score(
        lead,
        () => {
          leave();
          lead.scoredAt = this.timeline.now;
          this.shared.tally.stages.enrichment.add(lead.scoredAt - lead.receivedAt);
          this.queues['crm-sync'].add(lead);
        },
        (delayMs) => {
          leave();
          this.timeline.after(delayMs, () => this.queues.enrichment.add(lead));
        },
      ),
    );
  }

  private bringToCrm(lead: Lead): void {
    this.inStage('crm-sync', () =>
      this.write(false, () => {
        this.arrived(lead);
        this.queues['crm-sync'].done(this.sync);
      }),
    );
  }

  /** The stage's CPU, here and in the stores, plus the time of a queue hop. */
  private inStage(stage: 'enrichment' | 'crm-sync', then: () => void): void {
    const hop = () => this.timeline.after(this.draw.quantiles(this.shared.cost.hops[stage]), then);
    this.stores.submit(STAGE, () => this.process.submit(STAGE, hop));
  }

  private write(again: boolean, done: () => void): void {
    if (this.salesforce) this.salesforce.sync(again, done);
    else done();
  }

  private arrived(lead: Lead): void {
    const { tally } = this.shared;
    this.shared.arrived(lead);
    tally.syncedAt = this.timeline.now;
    tally.speed.add(this.timeline.now - lead.receivedAt);
    tally.stages['crm-sync'].add(this.timeline.now - lead.scoredAt);
    if (this.timeline.now - lead.receivedAt > this.slaMs) tally.breaches++;
  }

  /** Checks every second, until `endsAt`, whether there is capacity to replace provisional scores. */
  lookForRescores(endsAt: number): void {
    if (this.timeline.now >= endsAt) return;
    this.timeline.after(POLL_EVERY_MS, () => {
      if (!this.rescoring) this.rescore();
      this.lookForRescores(endsAt);
    });
  }

  private rescore(): void {
    const { scoring, shared } = this;
    if (shared.stillOwed === 0 || scoring.budgetSpent() || this.freshWait()) return;
    const leads = shared.takeOwed(RESCORES_AT_ONCE);
    let left = leads.length;
    let scoredAny = false;
    this.rescoring = left > 0;
    for (const lead of leads) {
      const end = (scored: boolean) => {
        if (!scored) shared.owe(lead);
        scoredAny ||= scored;
        if (--left > 0) return;
        this.rescoring = false;
        if (scoredAny && leads.length === RESCORES_AT_ONCE) this.rescore();
      };
      this.process.submit(2 * STAGE, () =>
        scoring.rescore(lead, RESCORE_WAIT_MS, (scored) => {
          if (scored) this.write(true, () => end(true));
          else end(false);
        }),
      );
    }
  }

  private freshWait(): boolean {
    return this.scoring.line!.waiting > 0 || this.queues.enrichment.waiting > 0;
  }
}
