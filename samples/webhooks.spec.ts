import { describe, expect, it } from 'vitest';
import { AppError } from '../src/domain/app-error.js';
import { parseLead } from '../src/ingress/parse-lead.js';
import { leadIdOf } from '../src/domain/lead-keys.js';
import { parseWebhookBody } from '../src/platform/http/parse-body.js';
import { readWebhooks, type Webhook } from './webhooks.js';

const webhooks = readWebhooks();

/** Cases that the samples must cover at least once; one tag each. */
const KINDS = [
  ...'curl json form escaped-quotes numeric-campaign quoted-campaign null empty absent nested utm'.split(' '),
  ...'unicode emoji idn plus free-mail disposable german spanish french italian chinese arabic'.split(' '),
  ...'repeat other-case key-order timestamp word-for-word two-campaigns revision'.split(' '),
  ...'hot pricing download vague support student job pitch competitor refusal negation injection trap'.split(' '),
  ...'malformed empty-token double-quoted no-email bad-email no-campaign array truncated nul plain-text'.split(' '),
];

/** The id of the lead, or null if the ingress refuses the body. */
function idOf({ contentType, body }: Webhook): string | null {
  try {
    const lead = parseLead(parseWebhookBody(Buffer.from(body), contentType).value);
    return leadIdOf(lead.email, lead.campaignId);
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

describe('the samples', () => {
  it('are many, and of every kind', () => {
    expect(webhooks.length).toBeGreaterThanOrEqual(45);
    const tags = new Set(webhooks.flatMap((webhook) => webhook.tags));
    for (const kind of KINDS) expect(tags, kind).toContain(kind);
    for (const outcome of ['accepted', 'updated', 'duplicate', 'rejected']) {
      expect(webhooks.filter((webhook) => webhook.expect === outcome).length, outcome).toBeGreaterThanOrEqual(2);
    }
  });

  it('expect of each webhook what its key says', () => {
    const seen = new Set<string>();
    for (const webhook of webhooks) {
      const id = idOf(webhook);
      if (id === null) expect(webhook.expect, webhook.note).toBe('rejected');
      else if (seen.has(id)) expect(['duplicate', 'updated'], webhook.note).toContain(webhook.expect);
      else expect(webhook.expect, webhook.note).toBe('accepted');
      if (id !== null) seen.add(id);
    }
  });
});
