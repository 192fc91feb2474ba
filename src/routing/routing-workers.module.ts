import {
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type InjectionToken,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { CrmProvider } from '../crm/port.js';
import { NoticesRepository } from '../flow-control/notices.repository.js';
import { LeaderLock } from '../ledger/leader-lock.js';
import { LeadsRepository } from '../ledger/leads.repository.js';
import type { Clock } from '../platform/clock.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Logger } from '../platform/observability/logger.js';
import { CLOCK, LOGGER } from '../platform/platform.module.js';
import { ActiveRulesService } from './active-rules.service.js';
import { AssignmentsRepository } from './assignments.repository.js';
import { DecisionsRepository } from './decisions.repository.js';
import { DirectoryReader } from './directory.reader.js';
import { DirectoryRepository } from './directory.repository.js';
import { MembersRepository } from './members.repository.js';
import { ReassignmentsRepository } from './reassignments.repository.js';
import { Reassigner } from './reassigner.js';
import { SeenOwnersRepository } from './seen-owners.repository.js';

/** The `CrmProvider` whose owners are changed, and whose users and accounts are mirrored. */
export const ROUTING_CRM = Symbol('CRM of the routing');

const REASSIGN_EVERY_MS = 2000;
const REASSIGNMENTS_AT_ONCE = 20;
const PRUNE_EVERY_MS = 3_600_000;
const MIRROR_EVERY_MS = 900_000;
const FIRST_AFTER_MS = 5000;
const STOP_WITHIN_MS = 2000;

/** Beside the workers: carries out reassignments, and mirrors users and accounts. Nothing runs without rules. */
@Injectable()
export class RoutingPollers implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly pollers: Poller[] = [];

  constructor(
    @Inject(ROUTING_CRM) crm: Pick<CrmProvider, 'changeOwner' | 'directory'>,
    private readonly leaderLock: LeaderLock,
    active: ActiveRulesService,
    assignments: AssignmentsRepository,
    decisions: DecisionsRepository,
    directory: DirectoryRepository,
    leads: LeadsRepository,
    members: MembersRepository,
    operators: NoticesRepository,
    reassignments: ReassignmentsRepository,
    seen: SeenOwnersRepository,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOGGER) logger: Logger,
  ) {
    if (!active.isOn) return;
    const now = () => clock.now();
    const tools = { crm, active, assignments, decisions, reassignments, leads, members, seen, operators, now };
    const reassigner = new Reassigner(tools);
    this.add(
      REASSIGN_EVERY_MS,
      async (signal) => (await reassigner.run(REASSIGNMENTS_AT_ONCE, signal)) === REASSIGNMENTS_AT_ONCE,
      (error) => logger.warn({ err: error }, 'An owner could not be changed in the CRM; it is tried again'),
    );
    this.add(
      PRUNE_EVERY_MS,
      () => reassignments.pruneCounts(),
      (error) => logger.warn({ err: error }, 'Old daily counts of the routing could not be removed; it is tried again'),
    );
    if (!crm.directory) return;
    const reader = new DirectoryReader(crm.directory, directory);
    this.add(
      MIRROR_EVERY_MS,
      (signal) => this.mirror(reader, signal),
      (error) =>
        logger.warn({ err: error }, 'Users and accounts of the CRM could not be mirrored; the next poll goes on from there'),
    );
  }

  onApplicationBootstrap(): void {
    for (const poller of this.pollers) poller.start(FIRST_AFTER_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.pollers.map((poller) => poller.stop()));
  }

  private add(everyMs: number, poll: (signal: AbortSignal) => Promise<boolean | void>, warn: (error: unknown) => void): void {
    const onError = (error: unknown, first: boolean) => void (first && warn(error));
    this.pollers.push(new Poller({ everyMs, poll, onError, stopWithinMs: STOP_WITHIN_MS }));
  }

  private async mirror(reader: DirectoryReader, signal: AbortSignal): Promise<boolean> {
    let more = false;
    await this.leaderLock.runAsLeader('directory', async () => {
      more = await reader.read(signal);
    });
    return more;
  }
}

@Module({})
export class RoutingWorkersModule {
  /** @param crm the token of the `CrmProvider`. */
  static using(crm: InjectionToken): DynamicModule {
    return { module: RoutingWorkersModule, providers: [{ provide: ROUTING_CRM, useExisting: crm }, RoutingPollers] };
  }
}
