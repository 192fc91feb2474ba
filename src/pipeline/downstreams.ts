/** The `EnrichmentProvider` that AI_PROVIDER names. */
export const AI = Symbol('AI provider');
/**
 * The heuristic `EnrichmentProvider`. It ranks leads before the model, and scores those that get no model slot. It is
 * free.
 */
export const HEURISTIC = Symbol('Heuristic');
/** The `CrmProvider` that CRM_PROVIDER names. */
export const CRM = Symbol('CRM provider');
