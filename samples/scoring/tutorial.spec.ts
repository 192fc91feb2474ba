import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leadIdOf, personKeyOf } from '../../src/domain/lead-keys.js';
import type { Lead } from '../../src/domain/lead.js';
import { SHIPPED_RULES } from '../../src/enrichment/heuristic/ruleset.js';
import { parseLead } from '../../src/ingress/parse-lead.js';
import type { LeadsRepository } from '../../src/ledger/leads.repository.js';
import { ScoreService } from '../../src/ops/score/score.service.js';
import type { DryRunRequest } from '../../src/ops/score/score.schemas.js';
import { dryRunText, scoreText } from '../../src/cli/format-score.js';
import { tryProfile } from '../../src/cli/score-dry-run.js';
import { parseWebhookBody } from '../../src/platform/http/parse-body.js';
import { readWebhooks } from '../webhooks.js';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs/scoring.md');
const json = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, 'samples/scoring', name), 'utf8'));
const WIDTH = 110;

/** The leads of the sample webhooks, as the ledger gives them: the newest first. */
const LEADS = readWebhooks()
  .filter((sample) => sample.expect === 'accepted')
  .map(({ body, contentType }, at) => {
    const { value, notes } = parseWebhookBody(Buffer.from(body), contentType);
    const lead = parseLead(value, notes);
    const receivedAt = new Date(Date.UTC(2026, 10, 24, 9, 0, at)).toISOString();
    return {
      ...lead,
      id: leadIdOf(lead.email, lead.campaignId),
      personKey: personKeyOf(lead.email),
      revision: 1,
      receivedAt,
    } as Lead;
  })
  .toReversed();

const service = new ScoreService({ rules: async () => SHIPPED_RULES }, {
  listLeads: async () => ({ items: LEADS, next: null }),
} as unknown as LeadsRepository);

async function outputs(): Promise<Record<string, string>> {
  const profile = json('profile.json');
  const client = { post: async (_path: string, body: unknown) => service.dryRun(body as DryRunRequest) as never };
  const options = { profile, since: '2026-11-01T00:00:00.000Z', limit: 10_000, progress: () => {} };
  return {
    shipped: scoreText(await service.preview(json('lead.json'), [])),
    own: scoreText(await service.preview({ lead: json('lead.json'), profile }, [])),
    'dry-run': dryRunText(await tryProfile(client, options), WIDTH),
  };
}

describe('docs/scoring.md', () => {
  it('shows the files and outputs of this version (UPDATE_DOCS=1 writes them)', async () => {
    const texts = await outputs();
    const page = readFileSync(PAGE, 'utf8');
    const files = page.replaceAll(/(<!-- file: (\S+) -->\n```json\n)[\s\S]*?```/g, (_all, head: string, path: string) => {
      return `${head}${readFileSync(join(ROOT, path), 'utf8')}\`\`\``;
    });
    const expected = files.replaceAll(/(<!-- output: (\S+) -->\n```text\n)[\s\S]*?```/g, (_all, head: string, name: string) => {
      // A version changes with each weight, and says nothing in a tutorial.
      return `${head}${texts[name]!.replaceAll(/heuristic-[0-9a-f]{12}/g, 'heuristic-…')}\n\`\`\``;
    });
    if (process.env['UPDATE_DOCS']) writeFileSync(PAGE, expected);
    else expect(page).toBe(expected);
  });
});
