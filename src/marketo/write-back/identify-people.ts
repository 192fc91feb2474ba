import { normaliseEmail, personKeyOf } from '../../domain/lead-keys.js';
import type { ClaimedRecord, MarketoIdentitiesRepository, SeenRecord } from '../../ledger/marketo-identities.repository.js';
import { RECORDS_PER_CALL, type MarketoApi, type MarketoPerson } from '../client/marketo-api.js';

export interface IdentifyTools {
  api: Pick<MarketoApi, 'findPeople'>;
  identities: Pick<MarketoIdentitiesRepository, 'claimed' | 'settle'>;
}

/**
 * Looks at the records that webhooks named, before the first write to each: a template may send a wrong id, and an
 * address may have moved to another record. One call per 300 people.
 * @throws AppError as MarketoClient.call
 */
export async function identifyPeople({ api, identities }: IdentifyTools, limit: number, signal?: AbortSignal): Promise<void> {
  const claimed = await identities.claimed(limit);
  const pages: ClaimedRecord[][] = [];
  for (let from = 0; from < claimed.length; from += RECORDS_PER_CALL) pages.push(claimed.slice(from, from + RECORDS_PER_CALL));
  const outcomes = await Promise.allSettled(
    pages.map(async (page) => {
      const ids = [...new Set(page.map(({ marketoId }) => marketoId))];
      const people = new Map((await api.findPeople(ids, ['email'], signal)).map((person) => [person.id, person]));
      await identities.settle(page.map((record) => ({ ...record, seen: seenOf(record, people.get(record.marketoId)) })));
    }),
  );
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
}

function seenOf({ personKey }: ClaimedRecord, person: MarketoPerson | undefined): SeenRecord['seen'] {
  if (!person) return 'none';
  const email = person['email'];
  return typeof email === 'string' && personKeyOf(normaliseEmail(email)) === personKey ? 'own' : 'other';
}
