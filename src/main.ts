import { CRM_PROVIDERS } from './crm/registry.js';
import { AI_PROVIDERS } from './enrichment/registry.js';
import { loadRules } from './enrichment/score-by-rules.js';
import { AppError } from './domain/app-error.js';
import { loadConfig } from './platform/config/config.js';
import { loadEnvFile } from './platform/config/env-file.js';
import { createLogger } from './platform/observability/logger.js';
import { loadRoutingRules } from './routing/rules.js';
import { startupBanner } from './startup-banner.js';

const EX_CONFIG = 78;
/** These need another setting: a restart changes nothing. */
const SETTINGS = new Set(['CONFIG_INVALID', 'DATA_DIR_UNUSABLE']);
const STOP_WITHIN_MS = 15_000;

async function main(): Promise<void> {
  loadEnvFile();
  const config = loadConfig(process.env, { aiProviders: Object.keys(AI_PROVIDERS), crmProviders: Object.keys(CRM_PROVIDERS) });
  // Checked before the stores start: a wrong file needs a correction, not a restart.
  await loadRules(config.SCORING_PROFILE);
  if (config.ROUTING_RULES !== undefined) await loadRoutingRules(config.ROUTING_RULES);
  const logger = createLogger(config.LOG_LEVEL);
  const began = performance.now();
  logger.info({ env: config.ENV, role: config.ROLE }, 'Starting');

  let stopping = false;
  // Loaded only now: the framework takes most of a second, and the line above must not wait for that.
  const starting = import('./bootstrap.js').then(({ startService }) => startService(config, logger));
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'Stopping: finishing the active work');
    // Whatever hangs, the process ends; the ledger has its unfinished leads.
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    await (await starting).stop();
    logger.info('Stopped');
    logger.flush();
    process.exitCode = 0;
    setTimeout(() => process.exit(0), 500).unref();
  };
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('SIGTERM', () => void stop('SIGTERM'));

  const service = await starting;
  if (!stopping) process.stdout.write(startupBanner(config, service.url, service.stores, performance.now() - began));
}

main().catch((error: unknown) => {
  const known = AppError.from(error);
  const lines =
    known.code === 'UNEXPECTED' ? [`The service could not start: ${(error as Error).stack ?? String(error)}`] : [known.message];
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(SETTINGS.has(known.code) ? EX_CONFIG : 1);
});
