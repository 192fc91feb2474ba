import type { CrmSettings } from '../port.js';
import { ApiBudget } from './api-budget.js';
import { loadCampaignMap } from './campaigns.js';
import { SalesforceClient } from './client.js';
import { loadFieldMap } from './field-map.js';
import { Notices } from './notices.js';
import { RepeatBudget } from './repeat-budget.js';
import { SalesforceProvider } from './salesforce.provider.js';
import { Session } from './session.js';

/** Five minutes, as other waits are made of RETRY_BASE_MS. */
const LOOK_AGAIN_BASES = 300;

/** The provider as configured. @throws AppError CONFIG_INVALID where a map cannot be read. */
export async function openSalesforce({
  config,
  shadow,
  rateLimiter,
  clock,
  logger,
  observeApiUsage,
  observeNotice,
  recordNotice,
}: CrmSettings): Promise<SalesforceProvider> {
  const session = new Session(
    {
      loginUrl: config.SALESFORCE_LOGIN_URL!,
      clientId: config.SALESFORCE_CLIENT_ID!,
      clientSecret: config.SALESFORCE_CLIENT_SECRET,
      privateKey: config.SALESFORCE_PRIVATE_KEY,
      username: config.SALESFORCE_USERNAME,
    },
    config.SALESFORCE_TIMEOUT_MS,
  );
  const budget = new ApiBudget({
    slowAt: config.SALESFORCE_API_SLOW_PERCENT / 100,
    stopAt: config.SALESFORCE_API_STOP_PERCENT / 100,
    slaMs: config.SPEED_TO_LEAD_SLA_SECONDS * 1000,
    lookAgainMs: LOOK_AGAIN_BASES * config.RETRY_BASE_MS,
    clock,
    logger,
    observe: observeApiUsage,
  });
  const apiVersion = config.SALESFORCE_API_VERSION;
  return new SalesforceProvider({
    client: new SalesforceClient({
      session,
      apiVersion,
      rateLimiter,
      budget,
      repeats: new RepeatBudget(clock),
      timeoutMs: config.SALESFORCE_TIMEOUT_MS,
    }),
    apiVersion,
    map: await loadFieldMap(config.SALESFORCE_FIELD_MAP),
    campaignMap: await loadCampaignMap(config.SALESFORCE_CAMPAIGN_MAP),
    match: config.SALESFORCE_MATCH,
    assign: config.SALESFORCE_ASSIGN === 'on',
    onDuplicate: config.SALESFORCE_ON_DUPLICATE,
    leaveOut: config.SALESFORCE_REFUSED_FIELDS === 'leave-out',
    notices: new Notices({ clock, logger, observe: observeNotice, record: recordNotice }),
    erase: config.SALESFORCE_ERASE,
    batchSize: config.CRM_BATCH_SIZE,
    callsAreLow: () => budget.isLow,
    batchWindowMs: () => (shadow ? config.CRM_BATCH_WINDOW_MS : budget.widened(config.CRM_BATCH_WINDOW_MS)),
    clock,
  });
}
