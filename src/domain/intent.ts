export const INTENTS = ['high', 'medium', 'low', 'none', 'unknown'] as const;
export type Intent = (typeof INTENTS)[number];
