import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { Config } from '../../platform/config/config.js';
import { ModelProvider } from '../model/model-provider.js';
import type { Ruleset } from '../score-by-rules.js';

/**
 * Bedrock through Converse, with a forced tool for the answer: each model with tools supports it, and an answer in
 * prose is impossible. The SDK reads credentials from the environment only, so it gets the credential chain of AWS
 * (profile, container, instance role).
 */
export function openBedrock(config: Config, rules: Ruleset, instructions?: string): ModelProvider {
  const bedrock = createAmazonBedrock({
    region: config.AWS_REGION!,
    credentialProvider: defaultProvider(),
    ...(config.AWS_BEARER_TOKEN_BEDROCK ? { apiKey: config.AWS_BEARER_TOKEN_BEDROCK } : {}),
    ...(config.AWS_ENDPOINT_URL_BEDROCK_RUNTIME ? { baseURL: config.AWS_ENDPOINT_URL_BEDROCK_RUNTIME.replace(/\/+$/, '') } : {}),
  });
  return new ModelProvider(
    {
      name: 'bedrock',
      model: config.BEDROCK_MODEL_ID,
      language: bedrock(config.BEDROCK_MODEL_ID),
      temperature: 0,
      providerOptions: { bedrock: { structuredOutputMode: 'jsonTool' } },
      instructions,
    },
    config,
    rules,
  );
}
