import { SYNCED_WITHIN_MS, type Followed } from './demo-follow.js';
import type { Sent } from './demo-run.js';

/** Unexpected answers. A service that has seen the samples before may answer differently. */
export function unexpectedOf(sent: Sent[], fresh: boolean): Sent[] {
  return sent.filter(({ outcome, webhook }) => outcome === 'failed' || (fresh && outcome !== webhook.expect));
}

/** The problems, one sentence each. */
export function problemsOf(sent: Sent[], leads: Followed[], fresh: boolean): string[] {
  const unexpected = unexpectedOf(sent, fresh);
  return [
    ...failuresOf(unexpected),
    ...unexpected
      .filter(({ outcome }) => outcome !== 'failed')
      .map(
        ({ outcome, webhook, status }) => `"${webhook.note}" was ${outcome} (${status}), and should have been ${webhook.expect}.`,
      ),
    ...leads.flatMap(stuckness),
  ];
}

/** One sentence per cause: a wrong secret fails every webhook alike. */
function failuresOf(unexpected: Sent[]): string[] {
  const failed = unexpected.filter(({ outcome }) => outcome === 'failed');
  return [...new Set(failed.map(({ status }) => status))].map((status) => {
    const alike = failed.filter((entry) => entry.status === status);
    const which = alike.length === 1 ? `"${alike[0]!.webhook.note}" was` : `${alike.length} webhooks were`;
    if (status === 0) return `${which} not answered, so nobody knows what became of them. ${alike[0]!.detail}`;
    const advice = status === 401 ? ' Set WEBHOOK_SECRETS as the service has it.' : '';
    return `${which} answered ${status}: ${alike[0]!.detail ?? 'without a reason.'}${advice}`;
  });
}

function stuckness({ leadId, journey }: Followed): string[] {
  const seconds = SYNCED_WITHIN_MS / 1000;
  const more = `See npx revenueflow lead ${leadId}.`;
  if (journey === null) return [`Lead ${leadId} was taken, and GET /ops/leads/${leadId} did not show it within ${seconds} s.`];
  if (journey.state === 'synced') return [];
  const { name, email, campaignId, state, next, lastError } = journey;
  const lead = `The lead of ${name ?? email} in campaign ${campaignId}`;
  const error = lastError ? ` Its last error: ${lastError.code}, ${lastError.message.replace(/\.$/, '')}.` : '';
  if (state === 'dead' || state === 'discarded') return [`${lead} is ${state}, and not in the CRM.${error} ${more}`];
  const coming = next ? ` Next: ${next.what}${next.at ? ` at ${next.at}` : ''}.` : '';
  return [`${lead} is stuck: still ${state} after ${seconds} s.${coming}${error} ${more}`];
}
