import { Inject, Injectable } from '@nestjs/common';
import { OutcomesRepository } from '../outcomes/outcomes.repository.js';
import { AuditLogRepository } from '../ledger/audit-log.repository.js';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { CLOCK, CONFIG } from '../platform/platform.module.js';
import { AssignmentsRepository } from '../routing/assignments.repository.js';
import { ReassignmentsRepository } from '../routing/reassignments.repository.js';
import { minutesToTouch } from './clock-plan.js';
import { ClocksRepository, type ClockEnd, type OpenClock } from './clocks.repository.js';
import { FirstTouchRules } from './first-touch-rules.js';
import { ActionLinks, type ActionLink, type LinkAction } from './notices/action-links.js';

type FoundClock = OpenClock & { personKey: string; endReason: ClockEnd | null };

/** What became of a link: done, or why nothing was done. */
export type ActResult = 'done' | 'invalid' | 'ended';

/** The source of outcomes that an owner reports by a link. */
const SOURCE = 'owner';

/**
 * Carries out what owners ask for with the links of notices. Each link acts once: after it the clock has ended, or the
 * next owner is being chosen.
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

  /** Does what a link says. @throws AppError LEDGER_UNAVAILABLE; then nothing changed. */
  async act(token: string): Promise<{ action: LinkAction; result: ActResult } | null> {
    const link = this.links?.read(token, this.clock.now());
    if (!link) return null;
    const clock = await this.clocks.find(link.assignmentId);
    const done = clock !== null && clock.endReason === null && (await this.carryOut(link, clock));
    if (done) await this.auditLog.recordAct(`owner ${clock.ownerId}`, link.action, { leadId: clock.leadId });
    return { action: link.action, result: done ? 'done' : 'ended' };
  }

  private async carryOut({ action }: ActionLink, clock: FoundClock): Promise<boolean> {
    const { assignmentId } = clock;
    if (action === 'claim') return this.claim(clock);
    if (action === 'not-mine') return this.askForOther(clock);
    const done = await this.database.transaction(async (transaction) => {
      if (!(await this.clocks.end(assignmentId, { reason: 'junk' }, transaction))) return false;
      await this.assignments.end(assignmentId, 'junk', transaction);
      return true;
    });
    if (done) await this.reportJunk(clock);
    return done;
  }

  private async claim(clock: FoundClock): Promise<boolean> {
    const at = new Date(this.clock.now());
    const active = await this.rules.active();
    const calendar = (await active?.owners([clock.ownerId]))?.get(clock.ownerId)?.calendar;
    const wallMinutes = (at.getTime() - clock.startedAt.getTime()) / 60_000;
    const businessMinutes = calendar ? minutesToTouch(clock.startedAt, at, calendar) : wallMinutes;
    return this.clocks.end(clock.assignmentId, { reason: 'claimed', touch: { what: 'claim', at, businessMinutes } });
  }

  /** A worker chooses the next owner. @returns false where another change of the owner is open. */
  private async askForOther({ leadId, ownerId }: FoundClock): Promise<boolean> {
    const request = { leadId, to: null, who: `owner ${ownerId}`, reason: 'not mine', endReason: 'not-mine' } as const;
    return (await this.reassignments.request(request)) !== null;
  }

  /** A label for the scores: this lead was worth nothing. */
  private async reportJunk({ personKey, assignmentId, ownerId }: FoundClock): Promise<void> {
    await this.outcomes.append({
      personKey,
      kind: 'disqualified',
      at: new Date(this.clock.now()).toISOString(),
      amount: null,
      currency: null,
      source: SOURCE,
      crmId: assignmentId,
      by: `owner ${ownerId}`,
    });
  }
}
