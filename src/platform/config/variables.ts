import { SERVICE_VARIABLES } from './variables/service.variables.js';
import { STORES_VARIABLES } from './variables/stores.variables.js';
import { PIPELINE_VARIABLES } from './variables/pipeline.variables.js';
import { SCORING_VARIABLES } from './variables/scoring.variables.js';
import { CRM_VARIABLES } from './variables/crm.variables.js';
import { ROUTING_VARIABLES } from './variables/routing.variables.js';
import { MARKETO_VARIABLES } from './variables/marketo.variables.js';

export { REQUIRED, type Variable } from './variables/variable.js';

/** Every variable that the service reads. .env.example and docs/configuration.md are generated from this table. */
export const VARIABLES = {
  ...SERVICE_VARIABLES,
  ...STORES_VARIABLES,
  ...PIPELINE_VARIABLES,
  ...SCORING_VARIABLES,
  ...CRM_VARIABLES,
  ...ROUTING_VARIABLES,
  ...MARKETO_VARIABLES,
} as const;

export type VariableName = keyof typeof VARIABLES;
