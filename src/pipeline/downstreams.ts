/** The `EnrichmentProvider` that AI_PROVIDER names. */
export const AI = Symbol('AI provider');
/** The heuristic `EnrichmentProvider`: ranks leads before the model and scores them where the model has no time. Its scores cost nothing. */
export const HEURISTIC = Symbol('Heuristic');
/** The `CrmProvider` that CRM_PROVIDER names. */
export const CRM = Symbol('CRM provider');
