import { Inject, Injectable } from '@nestjs/common';
import { AuditLogRepository } from '../ledger/audit-log.repository.js';
import { OutcomesRepository } from '../outcomes/outcomes.repository.js';
import { writeAboutPersons } from '../outcomes/write-about-persons.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { Database, type Queryable } from '../platform/database/database.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { AssignmentsRepository } from '../routing/assignments.repository.js';
import { ReassignmentsRepository } from '../routing/reassignments.repository.js';
import { minutesToTouch } from './clock-plan.js';
import { ClocksRepository, type ClockEnd, type OpenClock } from './clocks.repository.js';
import { FirstTouchRules } from './first-touch-rules.js';
import { ActionLinks, type LinkAction } from './notices/action-links.js';

type FoundClock = OpenClock & { personKey: string; endReason: ClockEnd | null };

/** What became of a link. `ended`: the clock had ended, or another change of the owner is open. */
export type ActResult = 'done' | 'ended';

/** The source of outcomes that an owner reports by a link. */
const SOURCE = 'owner';

/**
 * Carries out what owners ask for with the links of notices. A link acts while the clock of its decision runs and
 * no other owner is being chosen.
 */
@Injectable()
export class OwnerActsService {
  private readonly links: ActionLinks | null;

  constructor(
    private readonly database: Database,
    private readonly clocks: ClocksRepository,
    private readonly reassignments: ReassignmentsRepository,
    private readonly assignments: AssignmentsRepository,
    private readonly outcomes: OutcomesRepository,
    private readonly rules: FirstTouchRules,
    private readonly auditLog: AuditLogRepository,
    @Inject(CONFIG) config: Pick<Config, 'NOTICES_SECRET' | 'PUBLIC_URL'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    const { NOTICES_SECRET: secret, PUBLIC_URL: publicUrl } = config;
    this.links = secret && publicUrl ? new ActionLinks(secret, publicUrl) : null;
  }

  /** What a link would do. Nothing changes. @returns null where the link is not ours or too old. */
  async show(token: string): Promise<{ action: LinkAction; ended: boolean } | null> {
    const link = this.links?.read(token, this.clock.now());
    if (!link) return null;
    const clock = await this.clocks.find(link.assignmentId);
    return { action: link.action, ended: !clock || clock.endReason !== null };
  }

  /** Does what a link says, with its line in the log of operators' acts. @throws AppError; then nothing changed. */
  async act(token: string): Promise<{ action: LinkAction; result: ActResult } | null> {
    const link = this.links?.read(token, this.clock.now());
    if (!link) return null;
    const clock = await this.clocks.find(link.assignmentId);
    if (!clock || clock.endReason !== null) return { action: link.action, result: 'ended' };
    const minutes = await this.minutesUntilNow(clock);
    const done = await writeAboutPersons(this.database, async (transaction) => {
      if (!(await this.carryOut(link.action, clock, minutes, transaction))) return false;
      await this.auditLog.recordAct(`owner ${clock.ownerId}`, link.action, { leadId: clock.leadId }, transaction);
      return true;
    });
    return { action: link.action, result: done ? 'done' : 'ended' };
  }

  private async carryOut(action: LinkAction, clock: FoundClock, businessMinutes: number, on: Queryable): Promise<boolean> {
    const { assignmentId } = clock;
    if (action === 'not-mine') return this.askForOther(clock, on);
    if (action === 'claim') {
      const touch = { what: 'claim', at: this.now(), businessMinutes } as const;
      return this.clocks.end(assignmentId, { reason: 'claimed', touch }, on);
    }
    if (!(await this.clocks.end(assignmentId, { reason: 'junk' }, on))) return false;
    await this.assignments.end(assignmentId, 'junk', on);
    await this.reportJunk(clock, on);
    return true;
  }

  private async minutesUntilNow({ ownerId, startedAt }: FoundClock): Promise<number> {
    const active = await this.rules.active();
    const calendar = (await active?.owners([ownerId]))?.get(ownerId)?.calendar;
    const wallMinutes = (this.now().getTime() - startedAt.getTime()) / 60_000;
    return calendar ? minutesToTouch(startedAt, this.now(), calendar) : wallMinutes;
  }

  /** A worker chooses the next owner. @returns false where another change of the owner is open. */
  private async askForOther({ leadId, assignmentId, ownerId }: FoundClock, on: Queryable): Promise<boolean> {
    const request = {
      leadId,
      assignmentId,
      to: null,
      who: `owner ${ownerId}`,
      reason: 'not mine',
      endReason: 'not-mine',
    } as const;
    return (await this.reassignments.request(request, on)) !== null;
  }

  /** A label for the scores: this lead was worth nothing. */
  private async reportJunk({ personKey, assignmentId, ownerId }: FoundClock, on: Queryable): Promise<void> {
    const by = { source: SOURCE, crmId: assignmentId, by: `owner ${ownerId}` };
    const outcome = {
      personKey,
      kind: 'disqualified',
      at: this.now().toISOString(),
      amount: null,
      currency: null,
      ...by,
    } as const;
    await this.outcomes.append(outcome, on);
  }

  private now(): Date {
    return new Date(this.clock.now());
  }
}
