import { MarketoClient, credentialsOf } from '../marketo/client/marketo-client.js';
import { MarketoApi } from '../marketo/client/marketo-api.js';
import type { MarketoArrivals } from '../ledger/marketo-arrivals.repository.js';
import { checkMarketo } from '../marketo/check-marketo.js';
import { loadFieldMap } from '../marketo/field-map.js';
import { UNLIMITED } from '../platform/concurrency/rate-limiter.port.js';
import { configFor } from './crm-stores.js';
import type { CliIo } from './io.js';

/** Checks Marketo with the settings of the service. It makes some fifteen calls, one after the other. */
export async function runMarketoCheck(env: CliIo['env'], arrivals: MarketoArrivals | null) {
  const config = configFor('postgres', env);
  const client = new MarketoClient({ ...credentialsOf(config), rateLimiter: UNLIMITED, now: Date.now });
  return checkMarketo({
    api: new MarketoApi(client),
    fieldMap: await loadFieldMap(config.MARKETO_FIELD_MAP),
    contentIgnore: config.CONTENT_IGNORE,
    webhook: config.MARKETO_WEBHOOK,
    dailyCalls: config.MARKETO_DAILY_CALLS,
    stopPercent: config.MARKETO_STOP_PERCENT,
    arrivals,
    now: Date.now(),
  });
}
