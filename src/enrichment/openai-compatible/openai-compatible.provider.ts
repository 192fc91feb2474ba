import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { Config } from '../../platform/config/config.js';
import { ModelProvider } from '../model/model-provider.js';
import type { Ruleset } from '../score-by-rules.js';

/** Models that answer a request that sets the temperature with an error. */
const FIXED_TEMPERATURE = /^(?:gpt-5|o\d)/;

/** Any server with chat/completions: Ollama, vLLM, LM Studio, a gateway. The schema goes along as response_format. */
export function openOpenAiCompatible(config: Config, rules: Ruleset, instructions?: string): ModelProvider {
  const model = config.OPENAI_COMPATIBLE_MODEL!;
  const server = createOpenAICompatible({
    name: 'openai-compatible',
    baseURL: config.OPENAI_COMPATIBLE_BASE_URL!.replace(/\/+$/, ''),
    supportsStructuredOutputs: true,
    ...(config.OPENAI_COMPATIBLE_API_KEY ? { apiKey: config.OPENAI_COMPATIBLE_API_KEY } : {}),
  });
  return new ModelProvider(
    {
      name: 'openai-compatible',
      model,
      language: server(model),
      instructions,
      ...(FIXED_TEMPERATURE.test(model) ? {} : { temperature: 0 }),
    },
    config,
    rules,
  );
}
