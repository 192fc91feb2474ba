import { Inject, Injectable } from '@nestjs/common';
import type { CrmLeadActs, CrmProvider } from '../crm/port.js';
import { SALESFORCE } from '../outcomes/outcome.js';
import { OutcomesRepository } from '../outcomes/outcomes.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { AssignmentsRepository } from '../routing/assignments.repository.js';
import { minutesToTouch, planClock, slaMinutesOf } from './clock-plan.js';
import { ClocksRepository, type NewClock, type OpenClock, type Touch } from './clocks.repository.js';
import type { ActivePolicy } from './first-touch-rules.js';
import { judgeActs, type Verdict } from './judge-acts.js';
import { NoticesRepository } from './notices/notices.repository.js';

/** The `CrmProvider` that is asked whether people acted. */
export const FIRST_TOUCH_CRM = Symbol('CRM of the first touch');

/** Decisions per statement. */
const BATCH = 500;
/** Leads per question to the CRM. */
const READ_AT_ONCE = 1000;

/** Starts the clock of each assigned lead, and ends it when a person acts. */
@Injectable()
export class ClocksService {
  private readonly readEveryMs: number;

  constructor(
    private readonly database: Database,
    private readonly clocks: ClocksRepository,
    private readonly assignments: AssignmentsRepository,
    private readonly outcomes: OutcomesRepository,
    private readonly notices: NoticesRepository,
    @Inject(FIRST_TOUCH_CRM) private readonly crm: Pick<CrmProvider, 'outcomes'>,
    @Inject(CONFIG) config: Pick<Config, 'FIRST_TOUCH_POLL_SECONDS'>,
    @Inject(CLOCK) private readonly time: Clock,
  ) {
    this.readEveryMs = config.FIRST_TOUCH_POLL_SECONDS * 1000;
  }

  /** Ends, makes and starts clocks by what the ledger has. */
  async run(policy: ActivePolicy, signal: AbortSignal): Promise<void> {
    await this.endSuperseded(policy);
    await this.clocks.endOld();
    for (const { clock, at } of await this.clocks.reportedActs()) await this.endTouched(clock, 'reported', at, policy);
    await this.makeClocks(policy, signal);
    await this.startClocks(policy);
  }

  /** Makes a clock for each decision since the last call. */
  private async makeClocks({ policy }: ActivePolicy, signal: AbortSignal): Promise<void> {
    let position = await this.clocks.position();
    while (!signal.aborted) {
      const decisions = await this.assignments.sinceDecided(position, BATCH);
      const last = decisions.at(-1);
      if (!last) return;
      const made = decisions.flatMap((decision): NewClock[] => {
        const slaMinutes = slaMinutesOf(policy, decision.band);
        return slaMinutes === null || decision.endedAt !== null ? [] : [{ ...decision, assignmentId: decision.id, slaMinutes }];
      });
      await this.clocks.add(made, last.id);
      position = last.id;
    }
  }

  /** Starts the clocks of leads whose owner the CRM has, and notifies the owners. */
  private async startClocks({ policy, owners }: ActivePolicy): Promise<void> {
    const waiting = await this.clocks.waiting();
    if (waiting.length === 0) return;
    const known = await owners(waiting.map(({ ownerId }) => ownerId));
    for (const { assignmentId, ownerId, slaMinutes, writtenAt } of waiting) {
      const owner = known.get(ownerId)!;
      const plan = planClock(policy, slaMinutes, writtenAt, owner.calendar);
      await this.database.transaction(async (transaction) => {
        if (!(await this.clocks.start(assignmentId, writtenAt, plan, transaction))) return;
        await this.notices.add({ assignmentId, kind: 'assigned', recipient: owner, policy, now: this.now() }, transaction);
      });
    }
  }

  /** The owner of a lead that went on learns of it. */
  private async endSuperseded({ policy, owners }: ActivePolicy): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const passedOn = await this.clocks.endSuperseded(transaction);
      const known = await owners(passedOn.map(({ ownerId }) => ownerId));
      for (const { assignmentId, ownerId } of passedOn) {
        const notice = { assignmentId, kind: 'passed-on', recipient: known.get(ownerId)!, policy, now: this.now() } as const;
        await this.notices.add(notice, transaction);
      }
    });
  }

  /** Asks the CRM about the leads that were asked about longest ago. @throws AppError of the CRM */
  async readCrm(policy: ActivePolicy, signal: AbortSignal): Promise<void> {
    if (!this.crm.outcomes || this.readEveryMs === 0) return;
    const clocks = await this.clocks.takeToRead(this.readEveryMs, READ_AT_ONCE);
    await this.readAndSettle(clocks, policy, signal);
  }

  /**
   * Asks the CRM about leads and ends the clocks of those on which a person acted.
   * @returns the verdicts by decision. Without a CRM that can be asked, or before it has the lead: `untouched`.
   * @throws AppError of the CRM
   */
  async readAndSettle(clocks: OpenClock[], policy: ActivePolicy, signal: AbortSignal): Promise<Map<string, Verdict>> {
    const acts = await this.actsOf(clocks, policy, signal);
    const verdicts = new Map<string, Verdict>();
    for (const clock of clocks) {
      const verdict: Verdict =
        acts === null || clock.crmLeadId === null
          ? { kind: 'untouched', entryStatus: null }
          : judgeActs(clock, acts.get(clock.crmLeadId), policy.policy);
      verdicts.set(clock.assignmentId, verdict);
      await this.settle(clock, verdict, policy);
    }
    return verdicts;
  }

  /** Ends the clock of a lead that a person touched. */
  private async endTouched(clock: OpenClock, what: Touch, at: Date, { owners }: ActivePolicy): Promise<void> {
    const owner = (await owners([clock.ownerId])).get(clock.ownerId)!;
    const businessMinutes = minutesToTouch(clock.startedAt, at, owner.calendar);
    await this.clocks.end(clock.assignmentId, { reason: 'touched', touch: { what, at, businessMinutes } });
  }

  private async actsOf(
    clocks: OpenClock[],
    { policy }: ActivePolicy,
    signal: AbortSignal,
  ): Promise<Map<string, CrmLeadActs> | null> {
    const reader = this.crm.outcomes;
    const ids = [...new Set(clocks.flatMap(({ crmLeadId }) => crmLeadId ?? []))];
    if (!reader) return null;
    if (ids.length === 0) return new Map();
    const since = new Date(Math.min(...clocks.map(({ startedAt }) => startedAt.getTime())));
    const acts = await reader.acts(ids, withoutMilliseconds(since), policy.automationUsers, signal);
    return new Map(acts.map((each) => [each.id, each]));
  }

  private async settle(clock: OpenClock, verdict: Verdict, policy: ActivePolicy): Promise<void> {
    const { assignmentId, leadId } = clock;
    if (verdict.kind === 'touched') {
      if (verdict.activityId !== undefined) await this.recordOutcome(leadId, verdict.activityId, verdict.at);
      await this.endTouched(clock, verdict.touch, verdict.at, policy);
    } else if (verdict.kind === 'owner-changed') {
      await this.database.transaction(async (transaction) => {
        // Where the decision has ended before, this service has changed the owner: `endSuperseded` ends the clock.
        if (!(await this.assignments.end(assignmentId, 'changed-in-crm', transaction))) return;
        await this.clocks.end(assignmentId, { reason: 'owner-changed' }, transaction);
      });
    } else if (verdict.kind === 'gone') await this.clocks.end(assignmentId, { reason: 'gone' });
    else if (verdict.kind === 'untouched' && verdict.entryStatus !== null && clock.entryStatus === null)
      await this.clocks.recordEntryStatus(assignmentId, verdict.entryStatus);
  }

  /** The journey shows it beside what became of the lead. */
  private async recordOutcome(leadId: string, crmId: string, at: Date): Promise<void> {
    const personKey = (await this.assignments.current(leadId))?.personKey;
    if (personKey === undefined) return;
    const outcome = { personKey, crmId, kind: 'touched' as const, at: at.toISOString(), amount: null, currency: null };
    await this.outcomes.storeFollowed({ source: SALESFORCE, outcomes: [outcome], merges: [], follow: [], read: [] }, outcome.at);
  }

  private now(): Date {
    return new Date(this.time.now());
  }
}

/** SOQL takes milliseconds, but the times of its records have none: a record of the same second must count. */
function withoutMilliseconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
