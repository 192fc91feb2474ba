import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { NoticesRepository } from '../../src/flow-control/notices.repository.js';
import { Database } from '../../src/platform/database/database.js';
import type { Pool } from '../../src/platform/database/pool.js';
import { AccountsRepository } from '../../src/routing/accounts.repository.js';
import { ActiveRulesService } from '../../src/routing/active-rules.service.js';
import { AssignmentsRepository } from '../../src/routing/assignments.repository.js';
import { DecisionsRepository, type RoutedLead } from '../../src/routing/decisions.repository.js';
import { MembersRepository } from '../../src/routing/members.repository.js';
import { DirectoryRepository } from '../../src/routing/directory.repository.js';
import { ReassignmentsRepository } from '../../src/routing/reassignments.repository.js';
import { RoutingService } from '../../src/routing/routing.service.js';
import { RuleVersionsRepository } from '../../src/routing/rule-versions.repository.js';
import { SeenOwnersRepository } from '../../src/routing/seen-owners.repository.js';
import { ledgerOn } from './ledger.js';

/** Rules in a file of their own. @returns its path. */
export async function rulesFile(rules: object): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'rf-routing-')), 'rules.json');
  await writeFile(path, JSON.stringify(rules));
  return path;
}

/** The parts of one process, on one pool. */
export function routingOn(pool: Pool, path: string | undefined, now = () => Date.now()) {
  const database = new Database(pool);
  const members = new MembersRepository(database);
  const accounts = new AccountsRepository(database);
  const assignments = new AssignmentsRepository(database);
  const versions = new RuleVersionsRepository(database);
  const decisions = new DecisionsRepository(database, members, accounts);
  const active = new ActiveRulesService(versions, { ROUTING_RULES: path }, { warn: () => {} });
  const seen = new SeenOwnersRepository(database, assignments);
  const service = new RoutingService(active, decisions, assignments, members, seen, { now });
  const reassignments = new ReassignmentsRepository(database);
  const directory = new DirectoryRepository(database);
  const operators = new NoticesRepository(database);
  const stores = { members, accounts, assignments, versions, decisions, seen, reassignments, directory, operators };
  return { database, ...stores, active, service };
}

/** Commits a lead, as the ingress does. */
export async function acceptLead(
  pool: Pool,
  email: string,
  {
    campaignId = 'c1',
    attributes = {},
    fitScore = 50,
  }: { campaignId?: string; attributes?: Record<string, string>; fitScore?: number } = {},
): Promise<RoutedLead> {
  const id = leadIdOf(email, campaignId);
  const personKey = personKeyOf(email);
  await ledgerOn(pool).intake.accept({ id, personKey, email, emailRaw: email, campaignId, name: null, attributes });
  const enrichment = { fitScore, intent: 'high' as const };
  return { leadId: id, personKey, revision: 1, email, campaignId, attributes, enrichment, band: 'warm' };
}
