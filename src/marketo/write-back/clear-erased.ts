import type { MarketoErasure } from '../../ledger/marketo-erasures.repository.js';
import type { Logger } from '../../platform/observability/logger.js';
import { recordError } from '../client/errors.js';
import type { MarketoApi } from '../client/marketo-api.js';

/**
 * Clears the fields that this service wrote about erased people.
 * @returns the erasures that are done; a person who is gone in Marketo has nothing left to clear.
 * @throws AppError as MarketoClient.call, and MARKETO_MISCONFIGURED where a setting keeps fields from being cleared.
 */
export async function clearErased(
  api: Pick<MarketoApi, 'updatePeople'>,
  erasures: MarketoErasure[],
  logger: Pick<Logger, 'error'>,
  signal?: AbortSignal,
): Promise<string[]> {
  const due = erasures.filter(({ rewritten }) => !rewritten);
  // One person may have been erased twice, and Marketo takes a person once per call.
  const byPerson = new Map<number, Record<string, null>>();
  for (const { marketoId, fields } of due) {
    byPerson.set(marketoId, { ...byPerson.get(marketoId), ...Object.fromEntries(fields.map((name) => [name, null])) });
  }
  const input = [...byPerson].map(([id, fields]) => ({ id, ...fields }));
  if (input.length > 0) {
    const results = await api.updatePeople('id', input, signal);
    for (const { status, reasons } of results) {
      if (status === 'updated' || !reasons?.[0]) continue;
      const error = recordError(reasons[0]);
      if (error.class === 'configuration') throw error;
      if (error.code === 'MARKETO_PERSON_GONE') continue;
      logger.error(
        { code: error.code, answer: error.answer },
        'Marketo refuses to clear the fields of an erased person: clear them there',
      );
    }
  }
  return erasures.map(({ id }) => id);
}
