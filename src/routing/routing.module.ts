import { Global, Module } from '@nestjs/common';
import { AccountsRepository } from './accounts.repository.js';
import { ActiveRulesService } from './active-rules.service.js';
import { AssignmentsRepository } from './assignments.repository.js';
import { DecisionsRepository } from './decisions.repository.js';
import { DirectoryRepository } from './directory.repository.js';
import { MembersRepository } from './members.repository.js';
import { ReassignmentsRepository } from './reassignments.repository.js';
import { RoutingOverviewService } from './routing-overview.service.js';
import { RoutingService } from './routing.service.js';
import { RuleVersionsRepository } from './rule-versions.repository.js';
import { SeenOwnersRepository } from './seen-owners.repository.js';

export const ROUTING_PARTS = [
  AccountsRepository,
  ActiveRulesService,
  AssignmentsRepository,
  DecisionsRepository,
  DirectoryRepository,
  MembersRepository,
  ReassignmentsRepository,
  RoutingOverviewService,
  RoutingService,
  RuleVersionsRepository,
  SeenOwnersRepository,
];

/** The schema `routing`: who owns a lead, and why. Inert while ROUTING_RULES is not set. */
@Global()
@Module({ providers: ROUTING_PARTS, exports: ROUTING_PARTS })
export class RoutingModule {}
