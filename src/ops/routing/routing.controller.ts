import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Access, CurrentOperator, type Operator } from '../../platform/http/access.js';
import { ApiOperation, ApiTag } from '../../platform/http/api-operation.js';
import { DirectoryRepository } from '../../routing/directory.repository.js';
import { RoutingOverviewService } from '../../routing/routing-overview.service.js';
import { RoutingOpsService } from './routing-ops.service.js';
import {
  absencesBodySchema,
  activateBodySchema,
  checkBodySchema,
  checkSchema,
  decisionPageSchema,
  decisionsQuerySchema,
  directoryAnswerSchema,
  directoryBodySchema,
  reassignBodySchema,
  reassignmentSchema,
  routingDryRunBodySchema,
  routingDryRunSchema,
  routingSchema,
  rulesBodySchema,
  simulateBodySchema,
  simulationSchema,
  storedRulesSchema,
} from './routing.schemas.js';

/** Who owns a new lead, and why (docs/routing.md). */
@ApiTag('Routing')
@Controller('ops/routing')
export class RoutingController {
  constructor(
    private readonly overviews: RoutingOverviewService,
    private readonly routing: RoutingOpsService,
    private readonly directory: DirectoryRepository,
  ) {}

  @Access('viewer')
  @ApiOperation({
    id: 'getRouting',
    summary: 'Shows the pools with whose turn it is and what each member had, the absences, and the versions of the rules',
    answers: { 200: { means: 'The state of the routing.', body: routingSchema } },
    problems: ['LEDGER_UNAVAILABLE'],
  })
  @Get()
  overview() {
    return this.overviews.overview();
  }

  @Access('viewer')
  @ApiOperation({
    id: 'listRoutingDecisions',
    summary: 'Lists decisions with each step that was tried, the newest first',
    answers: { 200: { means: 'A page of decisions.', body: decisionPageSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Get('decisions')
  decisions(@Query({ schema: decisionsQuerySchema }) query: z.output<typeof decisionsQuerySchema>) {
    return this.routing.decisions(query);
  }

  @Access('viewer')
  @ApiOperation({
    id: 'simulateRouting',
    summary: 'Says which owner a lead would get, and each rule that was tried',
    description: 'Nothing is stored and no counter moves. The lead is scored by the rules, not by a model.',
    answers: { 200: { means: 'The decision.', body: simulationSchema } },
    problems: ['BAD_REQUEST', 'INVALID_LEAD', 'NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post('simulate')
  @HttpCode(200)
  simulate(@Body({ schema: simulateBodySchema }) body: z.output<typeof simulateBodySchema>) {
    return this.routing.simulate(body);
  }

  @Access('viewer', { largeBody: true })
  @ApiOperation({
    id: 'checkRoutingRules',
    summary: 'Checks rules: errors, unreachable rules, unknown users, weights of zero, overlapping territories, empty pools',
    answers: { 200: { means: 'What is wrong, and what is probably not meant.', body: checkSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post('check')
  @HttpCode(200)
  check(@Body({ schema: checkBodySchema }) { rules }: z.output<typeof checkBodySchema>) {
    return this.overviews.check(rules);
  }

  @Access('viewer', { largeBody: true })
  @ApiOperation({
    id: 'dryRunRouting',
    summary: 'Decides the newest leads by the active rules and by others, and reports the differences by owner',
    description: 'Nothing is stored and no counter moves.',
    answers: { 200: { means: 'The differences.', body: routingDryRunSchema } },
    problems: ['BAD_REQUEST', 'NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post('dry-run')
  @HttpCode(200)
  dryRun(@Body({ schema: routingDryRunBodySchema }) body: z.output<typeof routingDryRunBodySchema>) {
    return this.routing.dryRun(body);
  }

  @Access('operator', { largeBody: true })
  @ApiOperation({
    id: 'storeRoutingRules',
    summary: 'Stores a version of the rules; it is not active yet',
    answers: { 200: { means: 'Stored now, or stored before.', body: storedRulesSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post('rules')
  @HttpCode(200)
  store(@Body({ schema: rulesBodySchema }) { rules, note }: z.output<typeof rulesBodySchema>, @CurrentOperator() by: Operator) {
    return this.overviews.store(by.name, rules, note);
  }

  @Access('operator')
  @ApiOperation({
    id: 'activateRoutingRules',
    summary: 'Activates a version of the rules, for decisions from now on',
    answers: { 200: { means: 'The state of the routing after it.', body: routingSchema } },
    problems: ['BAD_REQUEST', 'NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post('activate')
  @HttpCode(200)
  async activate(
    @Body({ schema: activateBodySchema }) { version }: z.output<typeof activateBodySchema>,
    @CurrentOperator() by: Operator,
  ) {
    await this.overviews.activate(by.name, version);
    return this.overviews.overview();
  }

  @Access('operator')
  @ApiOperation({
    id: 'rollBackRoutingRules',
    summary: 'Returns to the version of the rules that was active before',
    answers: { 200: { means: 'The state of the routing after it.', body: routingSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post('rollback')
  @HttpCode(200)
  async rollBack(@CurrentOperator() by: Operator) {
    await this.overviews.rollBack(by.name);
    return this.overviews.overview();
  }

  @Access('operator')
  @ApiOperation({
    id: 'setRoutingAbsences',
    summary: 'Replaces the absences of a rep that operators entered; those of the rules stay',
    answers: { 200: { means: 'The state of the routing after it.', body: routingSchema } },
    problems: ['BAD_REQUEST', 'NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post('absences')
  @HttpCode(200)
  async setAbsences(
    @Body({ schema: absencesBodySchema }) { rep, absences }: z.output<typeof absencesBodySchema>,
    @CurrentOperator() by: Operator,
  ) {
    await this.overviews.setAbsences(by.name, rep, absences);
    return this.overviews.overview();
  }

  @Access('operator')
  @ApiOperation({
    id: 'reassignLead',
    summary: 'Gives a lead another owner, if the CRM still has the one that the rules set',
    answers: { 202: { means: 'A worker does it.', body: reassignmentSchema } },
    problems: ['BAD_REQUEST', 'NOT_FOUND', 'LEDGER_UNAVAILABLE'],
  })
  @Post('reassign')
  @HttpCode(202)
  async reassign(
    @Body({ schema: reassignBodySchema }) body: z.output<typeof reassignBodySchema>,
    @CurrentOperator() by: Operator,
  ) {
    return { id: await this.routing.reassign(body, by.name), status: 'requested' };
  }

  @Access('operator', { largeBody: true })
  @ApiOperation({
    id: 'importRoutingDirectory',
    summary: 'Stores users and accounts where the CRM is not Salesforce, whose users and accounts are mirrored',
    description: 'It can be repeated: what has the same id is replaced, and domains are added.',
    answers: { 200: { means: 'How many were stored.', body: directoryAnswerSchema } },
    problems: ['BAD_REQUEST', 'LEDGER_UNAVAILABLE'],
  })
  @Post('directory')
  @HttpCode(200)
  async importDirectory(
    @Body({ schema: directoryBodySchema }) { users, accounts }: z.output<typeof directoryBodySchema>,
    @CurrentOperator() by: Operator,
  ) {
    await this.directory.importFile(by.name, users, accounts);
    return { users: users.length, accounts: accounts.length };
  }
}
