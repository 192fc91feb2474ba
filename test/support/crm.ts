import { pino } from 'pino';
import type { CrmSettings, CrmSync } from '../../src/crm/port.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import { systemClock } from '../../src/platform/clock.js';
import { UNLIMITED } from '../../src/platform/concurrency/rate-limiter.port.js';

/** Settings of a CRM provider without limits and without log output. */
export function crmSettings(some: Pick<CrmSettings, 'config'> & Partial<CrmSettings>): CrmSettings {
  return {
    databaseUrl: '',
    rateLimiter: UNLIMITED,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    observeApiUsage: () => {},
    observeShadow: () => {},
    observeNotice: () => {},
    recordNotice: () => {},
    ...some,
  };
}

const enrichment: Enrichment = {
  fitScore: 70,
  intent: 'high',
  confidence: 0.5,
  evidence: [],
  reasoning: 'A reason.',
  scoreSource: 'heuristic',
  needsRescore: false,
  flags: [],
  provider: 'heuristic',
  scorerVersion: 'v',
};

/** A person's newest content in one campaign, as the pipeline passes it to a CRM. */
export function syncOf(
  email: string,
  campaignId: string,
  version: number,
  overrides: { name?: string | null; fitScore?: number; attributes?: Record<string, string> } = {},
): CrmSync {
  const { name = 'Ann Lee', fitScore = 70, attributes = {} } = overrides;
  const personKey = personKeyOf(email);
  const lead = { id: leadIdOf(email, campaignId), personKey, email, emailRaw: email, campaignId, name, attributes, revision: 1 };
  return {
    personKey,
    projection: { lead, enrichment: { ...enrichment, fitScore }, version },
    campaignId,
    respondedAt: '2026-01-01T00:00:00.000Z',
  };
}
