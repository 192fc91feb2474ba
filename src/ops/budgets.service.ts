import { Inject, Injectable } from '@nestjs/common';
import { FlowControlRepository } from '../flow-control/flow-control.repository.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/platform.module.js';

/** What may be used in a day, and how much of it is. */
export interface Budget {
  of: 'ai' | 'crm';
  name: string;
  /** 0 to 1, may exceed 1; null where there is no limit. */
  share: number | null;
  /** From this share on the service slows down or does without; null where there is no limit. */
  warnFrom: number | null;
  /** What is used, and what happens at the limit. */
  text: string;
}

/** The daily budgets of the downstreams: tokens of the models and API calls of the CRM. */
@Injectable()
export class BudgetsService {
  constructor(
    private readonly flow: FlowControlRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Only what has a limit or was used today; the mock CRM and the heuristic have neither. */
  async report(): Promise<Budget[]> {
    const [costs, usage] = await Promise.all([this.flow.costsOf(1), this.flow.apiUsage()]);
    const tokens = costs.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0);
    const usd = costs.reduce((sum, { costUsd }) => sum + costUsd, 0);
    return [...this.ai(tokens, usd), ...usage.map(({ api, share }) => this.crm(api, share))];
  }

  private ai(tokens: number, usd: number): Budget[] {
    const limit = this.config.AI_DAILY_TOKEN_BUDGET;
    const cost = usd > 0 ? `, about $${usd.toFixed(2)}` : '';
    if (limit !== undefined) {
      const text = `${number(tokens)} of ${number(limit)} tokens${cost}. Beyond that leads get a provisional score by rules.`;
      return [{ of: 'ai', name: 'AI tokens today (UTC)', share: tokens / limit, warnFrom: 0.8, text }];
    }
    if (tokens === 0) return [];
    const text = `${number(tokens)} tokens${cost}. AI_DAILY_TOKEN_BUDGET sets a limit.`;
    return [{ of: 'ai', name: 'AI tokens today (UTC)', share: null, warnFrom: null, text }];
  }

  private crm(api: string, share: number): Budget {
    const { SALESFORCE_API_SLOW_PERCENT: slow, SALESFORCE_API_STOP_PERCENT: stop } = this.config;
    const text =
      `${Math.round(share * 100)} % of the org's calls in 24 hours, by all programs. ` +
      `This service slows down at ${slow} % and stops at ${stop} %.`;
    return { of: 'crm', name: `API calls of ${api}`, share, warnFrom: slow / 100, text };
  }
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
