import { generateText, Output, type generateText as GenerateText } from 'ai';
import type { Enrichment, Usage } from '../../domain/enrichment.js';
import type { LeadContent } from '../../domain/lead.js';
import { systemClock, type Clock } from '../../platform/clock.js';
import type { Config } from '../../platform/config/config.js';
import type { EnrichmentProvider, WastedCall } from '../port.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import { answerSchema, readAnswer, type ModelAnswer } from './parse-answer.js';
import { usageOf } from './cost.js';
import { guard } from './answer-guards.js';
import { fingerprint, minimise, type MinimisedLead } from './minimise.js';
import { SHIPPED_RULES, type Ruleset } from '../heuristic/ruleset.js';
import { PromptTemplate } from './prompt.js';
import { fromFinish, translateError } from './provider-errors.js';
import { deadlineSignal } from '../../platform/concurrency/deadline-signal.js';

type Options = Parameters<typeof GenerateText>[0];

export interface ModelSettings {
  /** The provider's name in AI_PROVIDER. */
  name: string;
  /** The model's name, for results, prices and the cache. */
  model: string;
  language: Options['model'];
  temperature?: number;
  providerOptions?: Options['providerOptions'];
  /** Instead of the shipped ones (prompt.ts). */
  instructions?: string | undefined;
}

/** The schema goes along with the request. The SDK would refuse words around the JSON; `readAnswer` reads the text. */
const ANSWER = {
  ...Output.object({ schema: answerSchema, name: 'judgement' }),
  parseCompleteOutput: async ({ text }: { text: string }) => text,
};
const MAX_OUTPUT_TOKENS = 2048;
const CACHE_CAPACITY = 10_000;

// The SDK prints its warnings to the console; ours is a log of JSON lines.
(globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;

/**
 * Asks a language model for a judgement and applies the guards to the answer. One call per score and no retries: the
 * pipeline alone decides what an error means.
 */
export class ModelProvider implements EnrichmentProvider {
  readonly name: string;
  private readonly cache: ExpiringCache<ModelAnswer>;
  private readonly prompt: PromptTemplate;

  constructor(
    private readonly settings: ModelSettings,
    private readonly config: Pick<Config, 'AI_TIMEOUT_MS' | 'AI_CACHE_TTL_SECONDS'>,
    private readonly rules: Ruleset = SHIPPED_RULES,
    private readonly clock: Clock = systemClock,
  ) {
    this.name = settings.name;
    this.prompt = new PromptTemplate(rules, settings.instructions);
    this.cache = new ExpiringCache(config.AI_CACHE_TTL_SECONDS * 1000, CACHE_CAPACITY, clock);
  }

  async score(lead: LeadContent, signal: AbortSignal, wasted?: (call: WastedCall) => void): Promise<Enrichment> {
    const { model } = this.settings;
    const sent = minimise(lead);
    const key = fingerprint([this.prompt.version, model], sent);
    const known = this.cache.get(key);
    const { answer, usage } = known ? { answer: known, usage: usageOf(model) } : await this.ask(sent, signal, wasted);
    this.cache.set(key, answer);
    return {
      ...guard(lead, answer, this.rules),
      scoreSource: 'ai',
      needsRescore: false,
      provider: this.name,
      model,
      scorerVersion: this.prompt.version,
      usage,
    };
  }

  /** All of it: nothing in it tells whose judgement it is. */
  forget(): void {
    this.cache.clear();
  }

  private async ask(
    sent: MinimisedLead,
    signal: AbortSignal,
    wasted?: (call: WastedCall) => void,
  ): Promise<{ answer: ModelAnswer; usage: Usage }> {
    const { language, model, temperature, providerOptions } = this.settings;
    const { system, user, secrets } = this.prompt.promptFor(sent);
    const until = deadlineSignal(this.config.AI_TIMEOUT_MS, signal);
    let paid: Usage | null = null;
    try {
      const result = await generateText({
        model: language,
        system,
        prompt: user,
        output: ANSWER,
        maxRetries: 0,
        maxOutputTokens: MAX_OUTPUT_TOKENS,
        abortSignal: until,
        ...(temperature === undefined ? {} : { temperature }),
        ...(providerOptions === undefined ? {} : { providerOptions }),
      });
      paid = usageOf(model, result.usage.inputTokens, result.usage.outputTokens);
      if (result.finishReason !== 'stop') throw fromFinish(result.finishReason);
      return { answer: readAnswer(result.text, secrets), usage: paid };
    } catch (error) {
      // Cut off, refused, out of range: the provider bills what it answered all the same.
      if (paid && paid.inputTokens + paid.outputTokens > 0) wasted?.({ provider: this.name, model, usage: paid });
      // Which abort it was is known here and lost in the SDK.
      throw translateError(until.aborted && !signal.aborted ? until.reason : error, this.clock.now());
    }
  }
}
