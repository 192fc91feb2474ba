import { Draw } from '../engine/draw.js';
import { startFakeGemini } from '../../test/support/fakes/gemini.js';
import { FAKE_CLIENT_ID, FAKE_CLIENT_SECRET, startSalesforceFake } from '../../test/support/fakes/salesforce/index.js';
import { CAMPAIGN } from './send.js';

// A fake model and a fake org in their own process, so that their work does not delay the measuring process. AI_P50_MS,
// AI_P95_MS and CRM_MS set their latency; the parent receives their addresses and asks how often they were called.
const [p50, p95, crmMs] = ['AI_P50_MS', 'AI_P95_MS', 'CRM_MS'].map((name) => Number(process.env[name])) as [
  number,
  number,
  number,
];
const DIFFERENT = 2000;

const model = await startFakeGemini();
const draw = new Draw(7);
if (p95 > 0) {
  const latencies = Array.from({ length: DIFFERENT }, () => ({ kind: 'slow', ms: draw.lognormal(p50, p95) }) as const);
  model.sometimes(1, latencies, () => draw.next());
}
const org = await startSalesforceFake({ latencyMs: crmMs, dailyLimit: 10_000_000 });
org.addCampaign({ Name: CAMPAIGN, RF_Campaign_Key__c: CAMPAIGN });

export interface Figures {
  aiCalls: number;
  crmCalls: number;
}
const figures = (): Figures => ({ aiCalls: model.received.length, crmCalls: org.apiCalls() });
process.on('message', () => process.send!(figures()));
process.on('disconnect', () => process.exit(0));
process.send!({
  AI_PROVIDER: 'gemini',
  GEMINI_API_KEY: 'any',
  GEMINI_BASE_URL: `${model.url}/v1beta`,
  AI_CACHE_TTL_SECONDS: '0',
  CRM_PROVIDER: 'salesforce',
  SALESFORCE_LOGIN_URL: org.url,
  SALESFORCE_CLIENT_ID: FAKE_CLIENT_ID,
  SALESFORCE_CLIENT_SECRET: FAKE_CLIENT_SECRET,
});
