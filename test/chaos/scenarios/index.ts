import { DISK_SCENARIOS } from './disk-full.js';
import { LOAD_SCENARIOS } from './downstreams.js';
import { MARKETO_SCENARIOS } from './marketo.js';
import { PARTIAL_OUTAGES } from './partial-outages.js';
import { PROCESS_SCENARIOS } from './processes.js';
import { RECOVERY_SCENARIOS } from './recovery.js';
import { ROUTING_SCENARIOS } from './routing.js';
import { SALESFORCE_SCENARIOS } from './salesforce.js';
import type { Scenarios } from './scenario.js';
import { STORE_SCENARIOS } from './stores.js';

export const SCENARIOS: Scenarios = {
  ...PROCESS_SCENARIOS,
  ...STORE_SCENARIOS,
  ...LOAD_SCENARIOS,
  ...DISK_SCENARIOS,
  ...SALESFORCE_SCENARIOS,
  ...MARKETO_SCENARIOS,
  ...ROUTING_SCENARIOS,
  ...PARTIAL_OUTAGES,
  ...RECOVERY_SCENARIOS,
};
