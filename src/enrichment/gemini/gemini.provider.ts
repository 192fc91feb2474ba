import { createGoogleGenerativeAI } from '@ai-sdk/google';
import type { Config } from '../../platform/config/config.js';
import { ModelProvider } from '../model/model-provider.js';
import type { Ruleset } from '../score-by-rules.js';

/** Gemini through generateContent. No temperature: the 3.x models ignore or reject it. */
export function openGemini(config: Config, rules: Ruleset, instructions?: string): ModelProvider {
  const google = createGoogleGenerativeAI({
    baseURL: withoutTrailingSlash(config.GEMINI_BASE_URL),
    // The configuration demands a key; an empty one would send the SDK to look in variables of its own.
    apiKey: config.GEMINI_API_KEY!,
  });
  const settings = { name: 'gemini', model: config.GEMINI_MODEL, language: google(config.GEMINI_MODEL), instructions };
  return new ModelProvider(settings, config, rules);
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
