import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import { NoticesRepository as OperatorNotices } from '../flow-control/notices.repository.js';
import { Poller } from '../platform/concurrency/poller.js';
import type { Logger } from '../platform/observability/logger.js';
import { LOGGER } from '../platform/platform.module.js';
import { ClocksService } from './clocks.service.js';
import { FirstTouchRules, type ActivePolicy } from './first-touch-rules.js';
import { NoticeSender } from './notices/notice-sender.js';
import { NoticesRepository } from './notices/notices.repository.js';
import { StepsService } from './steps.service.js';

/** How late a step or a notice may be. */
const EVERY_MS = 2000;
const PRUNE_EVERY_MS = 600_000;
const STOP_WITHIN_MS = 2000;

/**
 * Runs the clocks, the steps and the notices, in each worker: rows are claimed one by one, so that workers share the
 * work. The three run apart, so that a slow CRM or chat delays nothing else.
 */
@Injectable()
export class FirstTouchPoller implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly pollers: Poller[] = [];
  private nextPrune = 0;

  constructor(
    private readonly rules: FirstTouchRules,
    private readonly clocks: ClocksService,
    private readonly steps: StepsService,
    private readonly sender: NoticeSender,
    private readonly notices: NoticesRepository,
    private readonly operators: OperatorNotices,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    if (!rules.isOn) return;
    this.addPoller((policy, signal) => this.runClocks(policy, signal), 'Clocks of the first touch are late');
    this.addPoller(
      (policy, signal) => this.runSteps(policy, signal),
      'The CRM could not be asked whether people acted on their leads: reminders and reassignments wait',
    );
    this.addPoller((policy, signal) => this.sendNotices(policy, signal), 'Notices to owners are late');
  }

  onApplicationBootstrap(): void {
    for (const poller of this.pollers) poller.start(EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.pollers.map((poller) => poller.stop()));
  }

  private addPoller(run: (policy: ActivePolicy, signal: AbortSignal) => Promise<boolean>, problem: string): void {
    const poll = async (signal: AbortSignal) => {
      const policy = await this.rules.active();
      return policy ? run(policy, signal) : false;
    };
    const onError = (error: unknown, first: boolean) => void (first && this.report(problem, error));
    this.pollers.push(new Poller({ everyMs: EVERY_MS, poll, onError, stopWithinMs: STOP_WITHIN_MS }));
  }

  /** An outage of the CRM has alerts of its own; a missing permission would stop all steps and show nowhere else. */
  private async report(problem: string, error: unknown): Promise<void> {
    this.logger.warn({ err: error }, problem);
    const { code, answer } = AppError.from(error);
    if (code !== 'CRM_MISCONFIGURED') return;
    const notice = { kind: 'first-touch-unreadable', subject: code, reason: answer ?? 'the CRM refuses the call' };
    // The log has it too: an alert that is lost with the ledger's connection is worth no failure.
    await this.operators.record(notice).catch(() => {});
  }

  private async runClocks(policy: ActivePolicy, signal: AbortSignal): Promise<boolean> {
    await this.clocks.run(policy, signal);
    return false;
  }

  private async runSteps(policy: ActivePolicy, signal: AbortSignal): Promise<boolean> {
    const more = await this.steps.runDue(policy, signal);
    await this.clocks.readCrm(policy, signal);
    return more;
  }

  private async sendNotices(policy: ActivePolicy, signal: AbortSignal): Promise<boolean> {
    const more = await this.sender.sendDue(policy, signal);
    if (performance.now() >= this.nextPrune) {
      await this.notices.prune();
      this.nextPrune = performance.now() + PRUNE_EVERY_MS;
    }
    return more;
  }
}
