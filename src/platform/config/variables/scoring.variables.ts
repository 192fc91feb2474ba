import { z } from 'zod';
import { whole, url, type Variable } from './variable.js';

/** Shut down by 2026-06-01: a start would succeed, and every lead would get a fallback score. */
const RETIRED_GEMINI = /^(?:models\/)?gemini-(?:pro|1|2\.0)\b/i;

/** Scoring, and the models that may do it. */
export const SCORING_VARIABLES = {
  SCORING_PROFILE: {
    schema: z.string(),
    about:
      'A JSON file with the ideal customer, points and bands (docs/scoring.md). Checked at the start. The rules, the prompt and the guards use it.',
    mock: undefined,
    real: undefined,
    mockNote: 'src/enrichment/heuristic/profile.json',
    realNote: 'src/enrichment/heuristic/profile.json',
  },
  HOT_LEAD_SCORE: {
    schema: whole(0, 100),
    about: 'The fit score from which a lead is reported to ALERT_WEBHOOK_URL as hot.',
    mock: '80',
    real: '80',
  },
  AI_PROVIDER: {
    schema: z.string(),
    about: 'The scorer.',
    mock: (env) => (env['GEMINI_API_KEY']?.trim() ? 'gemini' : 'heuristic'),
    mockNote: 'gemini where GEMINI_API_KEY is set, else heuristic',
    example: 'heuristic',
    real: 'bedrock',
  },
  AI_FALLBACK_PROVIDER: {
    schema: z.string(),
    about: 'The scorer for leads that AI_PROVIDER could not score. Without one they get a fallback score.',
    mock: undefined,
    real: undefined,
    example: 'heuristic',
  },
  GEMINI_API_KEY: {
    schema: z.string(),
    about: 'The key of the Gemini API. Required with AI_PROVIDER=gemini.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  GEMINI_MODEL: {
    schema: z.string().refine((model) => !RETIRED_GEMINI.test(model), {
      error: 'names a Gemini model that was shut down (2.0 on 2026-06-01); gemini-3.5-flash-lite replaces it',
    }),
    about: 'The Gemini model. The 2.5 models retire on 2026-12-01; 2.0 and older are gone and refused.',
    mock: 'gemini-3.5-flash-lite',
    real: 'gemini-3.5-flash-lite',
  },
  GEMINI_BASE_URL: {
    schema: url(['http:', 'https:']),
    about: 'Where the Gemini API is; it ends in /v1beta.',
    mock: 'https://generativelanguage.googleapis.com/v1beta',
    real: 'https://generativelanguage.googleapis.com/v1beta',
  },
  BEDROCK_MODEL_ID: {
    schema: z.string(),
    about: 'The model or inference profile on Bedrock; us.amazon.nova-2-lite-v1:0 is a cheaper one.',
    mock: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    real: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
  },
  AWS_REGION: {
    schema: z.string().regex(/^[a-z0-9-]+$/, 'must be the name of a region, such as us-east-1'),
    about: 'The region of Bedrock, where lead text is processed. Required with AI_PROVIDER=bedrock.',
    mock: undefined,
    real: undefined,
    example: 'us-east-1',
  },
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: {
    schema: url(['http:', 'https:']),
    about: 'Where the Bedrock runtime is, if not at its public address: a VPC endpoint.',
    mock: undefined,
    real: undefined,
    mockNote: 'the public endpoint of AWS_REGION',
    realNote: 'the public endpoint of AWS_REGION',
  },
  AWS_BEARER_TOKEN_BEDROCK: {
    schema: z.string(),
    about: 'A Bedrock API key. Without one the AWS credential chain is used: environment, profile, container or instance role.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  OPENAI_COMPATIBLE_BASE_URL: {
    schema: url(['http:', 'https:']),
    about: 'Where a server with the chat/completions API is (Ollama, vLLM, LM Studio, a gateway); it usually ends in /v1.',
    mock: undefined,
    real: undefined,
    example: 'http://127.0.0.1:11434/v1',
  },
  OPENAI_COMPATIBLE_API_KEY: {
    schema: z.string(),
    about: 'The key of that server, if it requires one.',
    mock: undefined,
    real: undefined,
    secret: true,
  },
  OPENAI_COMPATIBLE_MODEL: {
    schema: z.string(),
    about: 'The model of that server. Required with AI_PROVIDER=openai-compatible, as is the base URL.',
    mock: undefined,
    real: undefined,
    example: 'qwen3:8b',
  },
  AI_TIMEOUT_MS: {
    schema: whole(100, 600_000),
    about: 'How long one scoring may take, in milliseconds.',
    mock: '10000',
    real: '10000',
  },
  AI_CONCURRENCY: {
    schema: whole(1, 1000),
    about: 'Leads that all workers together score at a time.',
    mock: '50',
    real: '50',
  },
  AI_RATE_LIMIT_PER_SECOND: {
    schema: whole(1, 10_000),
    about: 'Model calls per second, of all workers together. The heuristic makes none.',
    mock: '20',
    real: '20',
  },
  AI_DEADLINE_SECONDS: {
    schema: whole(1, 86_400),
    about: "Time from a lead's first scoring attempt; a lead without a score by then continues with a fallback score.",
    mock: '120',
    real: '120',
  },
  AI_DAILY_TOKEN_BUDGET: {
    schema: whole(1, 1_000_000_000_000),
    about: 'Tokens that all workers together may spend on scoring per UTC day; beyond it leads get a fallback score.',
    mock: undefined,
    real: undefined,
  },
  AI_CACHE_TTL_SECONDS: {
    schema: whole(0, 31_536_000),
    about: "How long a model's judgement of the same text is reused, in seconds; 0 turns the cache off.",
    mock: '86400',
    real: '86400',
  },
} as const satisfies Record<string, Variable>;
