import { Inject, Injectable } from '@nestjs/common';
import { NoticesRepository as OperatorNotices } from '../flow-control/notices.repository.js';
import type { Clock } from '../platform/clock.js';
import { Database } from '../platform/database/database.js';
import { CLOCK } from '../platform/platform.module.js';
import { ReassignmentsRepository } from '../routing/reassignments.repository.js';
import { ClocksRepository, type OpenClock } from './clocks.repository.js';
import { ClocksService } from './clocks.service.js';
import type { ActivePolicy } from './first-touch-rules.js';
import { NoticesRepository, type NoticeKind } from './notices/notices.repository.js';
import { StepsRepository, type ClaimedStep } from './steps.repository.js';

/** Steps of one poll. A reassignment takes some calls to the CRM. */
const STEPS_AT_ONCE = 50;
/** Longer than the calls of one poll take. */
export const STEP_LEASE_MS = 120_000;
/** After a failure of the CRM. */
const RETRY_MS = 30_000;
/** Where the CRM does not show a record, a person may correct the permission. */
const UNKNOWN_RETRY_MS = 300_000;

/** Carries out what is due while no person acts. */
@Injectable()
export class StepsService {
  constructor(
    private readonly database: Database,
    private readonly steps: StepsRepository,
    private readonly clocks: ClocksRepository,
    private readonly clocksService: ClocksService,
    private readonly reassignments: ReassignmentsRepository,
    private readonly notices: NoticesRepository,
    private readonly operators: OperatorNotices,
    @Inject(CLOCK) private readonly time: Clock,
  ) {}

  /**
   * Carries out the steps that are due. Each is claimed first, and the CRM is asked once more whether a person acted.
   * @returns whether there may be more.
   * @throws AppError of the CRM; the steps are due again later.
   */
  async runDue(policy: ActivePolicy, signal: AbortSignal, leaseMs = STEP_LEASE_MS): Promise<boolean> {
    const claimed = await this.steps.claim(STEPS_AT_ONCE, leaseMs);
    const left = new Set(claimed);
    try {
      const open = await this.clocks.open([...new Set(claimed.map(({ assignmentId }) => assignmentId))]);
      const verdicts = await this.clocksService.readAndSettle(open, policy, signal);
      const clocks = new Map(open.map((clock) => [clock.assignmentId, clock]));
      for (const step of claimed) {
        if (signal.aborted) break;
        const clock = clocks.get(step.assignmentId);
        const verdict = verdicts.get(step.assignmentId);
        if (verdict?.kind === 'unknown') await this.steps.postpone([step], UNKNOWN_RETRY_MS);
        else if (!clock || verdict?.kind !== 'untouched') await this.settleUnneeded(step);
        else await this.carryOut(step, clock, policy);
        left.delete(step);
      }
    } finally {
      if (left.size > 0) await this.steps.postpone([...left], RETRY_MS);
    }
    return claimed.length === STEPS_AT_ONCE;
  }

  private async settleUnneeded(step: ClaimedStep): Promise<void> {
    await this.steps.settle(step, 'not-needed', this.database);
  }

  private async carryOut(step: ClaimedStep, clock: OpenClock, policy: ActivePolicy): Promise<void> {
    if (step.kind === 'remind') await this.notify(step, clock, policy, 'reminder', clock.ownerId);
    else if (step.kind === 'manager') {
      const owner = (await policy.owners([clock.ownerId])).get(clock.ownerId)!;
      await this.notify(step, clock, policy, 'manager', owner.managerId ?? clock.ownerId);
    } else await this.passOn(step, clock, policy);
  }

  private async notify(
    step: ClaimedStep,
    { assignmentId }: OpenClock,
    policy: ActivePolicy,
    kind: NoticeKind,
    recipientId: string,
  ): Promise<void> {
    const recipient = (await policy.owners([recipientId])).get(recipientId)!;
    await this.database.transaction(async (transaction) => {
      if (!(await this.steps.settle(step, 'notified', transaction))) return;
      await this.notices.add({ assignmentId, kind, recipient, policy: policy.policy, now: this.now() }, transaction);
    });
  }

  /**
   * Asks for the next owner; after too many of them for the fallback. The request is stored with the outcome of the
   * step, so there is one. The clock ends when the owner has changed.
   */
  private async passOn(
    step: ClaimedStep,
    { leadId, assignmentId, ownerId, pass }: OpenClock,
    policy: ActivePolicy,
  ): Promise<void> {
    const isLast = pass >= policy.policy.maxReassignments;
    const to = isLast ? policy.lastResort : null;
    if (isLast && (to === null || to === ownerId)) {
      await this.steps.settle(step, 'no other owner', this.database);
      await this.operators.record({ kind: 'first-touch-late', subject: ownerId, reason: 'no other owner can be chosen' });
      return;
    }
    const why = { who: 'first touch', reason: 'no first touch in time', endReason: 'reassigned' } as const;
    const asked = await this.database.transaction(async (transaction) => {
      const outcome = isLast ? 'to the fallback' : 'to the next owner';
      if (!(await this.steps.settle(step, outcome, transaction))) return null;
      return this.reassignments.request({ leadId, assignmentId, to, ...why }, transaction);
    });
    if (isLast && asked !== null)
      await this.operators.record({
        kind: 'first-touch-late',
        subject: ownerId,
        reason: 'go to the fallback of the rules',
      });
  }

  private now(): Date {
    return new Date(this.time.now());
  }
}
