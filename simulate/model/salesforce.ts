import type { Draw } from '../engine/draw.js';
import type { Timeline } from '../engine/timeline.js';
import type { Scenario } from './scenario.js';
import type { Shared } from './shared.js';

/** Values of src/platform/concurrency/batcher.ts and src/crm/salesforce/salesforce.provider.ts. */
const OPEN_AT_MOST = 4;
const PARALLEL = 2;

interface Sync {
  /** A rescore: the record is known. */
  again: boolean;
  done(): void;
}

/** Salesforce as one worker calls it: leads share calls; persons are matched, created or updated, then made members. */
export class Salesforce {
  private waiting: Sync[] = [];
  private inFlight = 0;
  private openUntil: number | null = null;
  private plan = 0;
  /** The batching window has elapsed. */
  private windowElapsed = false;
  private membersBusy = false;
  private readonly memberTurns: (() => void)[] = [];

  constructor(
    private readonly timeline: Timeline,
    private readonly draw: Draw,
    private readonly scenario: Scenario,
    private readonly shared: Shared,
  ) {}

  sync(again: boolean, done: () => void): void {
    this.waiting.push({ again, done });
    this.startInTime();
  }

  /** The window stays open while leads keep arriving, at most four times as long; a full batch starts at once. */
  private startInTime(): void {
    const { batchSize } = this.scenario.crm!;
    if (this.waiting.length >= batchSize) return this.start();
    const batchWindowMs = this.shared.quota!.windowMs;
    const now = this.timeline.now;
    this.openUntil ??= now + OPEN_AT_MOST * batchWindowMs;
    const plan = ++this.plan;
    this.timeline.after(Math.min(batchWindowMs, this.openUntil - now), () => {
      if (plan !== this.plan) return;
      this.openUntil = null;
      this.windowElapsed = this.waiting.length > 0;
      this.start();
    });
  }

  /** While a batch is in flight, only a full one starts. */
  private start(): void {
    const { batchSize } = this.scenario.crm!;
    while (this.waiting.length > 0 && this.inFlight < PARALLEL) {
      if (this.inFlight > 0 && this.waiting.length < batchSize) return;
      this.write(this.waiting.splice(0, batchSize));
    }
    if (this.waiting.length === 0) this.windowElapsed = false;
  }

  private write(batch: Sync[]): void {
    this.inFlight++;
    const fresh = batch.filter(({ again }) => !again).length;
    const known = this.knownOf(fresh);
    const updated = batch.length - fresh + known;
    const calls = [...(fresh > 0 ? [fresh] : []), ...(updated > 0 ? [updated] : []), ...(fresh > known ? [fresh - known] : [])];
    const end = () => {
      this.inFlight--;
      for (const { done } of batch) done();
      if (this.windowElapsed) this.start();
      else if (this.waiting.length > 0) this.startInTime();
    };
    this.callAll(calls, () => (fresh > 0 ? this.inMemberTurn(fresh, end) : end()));
  }

  private knownOf(fresh: number): number {
    let known = 0;
    for (let index = 0; index < fresh; index++) if (this.draw.chance(this.scenario.crm!.knownShare)) known++;
    return known;
  }

  private callAll([records, ...rest]: number[], done: () => void): void {
    if (records === undefined) return done();
    this.call(records, () => this.callAll(rest, done));
  }

  /** Inserting members locks their Campaign, so these calls run one at a time. */
  private inMemberTurn(members: number, done: () => void): void {
    const turn = () => {
      this.membersBusy = true;
      this.call(members, () => {
        this.membersBusy = false;
        this.memberTurns.shift()?.();
        done();
      });
    };
    if (this.membersBusy) this.memberTurns.push(turn);
    else turn();
  }

  private call(records: number, done: () => void): void {
    const { p50Ms, p95Ms, perRecordMs } = this.scenario.crm!;
    const { quota, crmRate, tally } = this.shared;
    quota!.spend(() =>
      crmRate!.take(() => {
        tally.crmCalls.add(this.timeline.now);
        this.timeline.after(this.draw.lognormal(p50Ms, p95Ms) + records * perRecordMs, done);
      }),
    );
  }
}
