import { AppError } from '../../domain/app-error.js';
import type { MarketoErasure } from '../../ledger/marketo-erasures.repository.js';
import type { Logger } from '../../platform/observability/logger.js';
import { recordError } from '../client/errors.js';
import type { MarketoApi, MarketoField } from '../client/marketo-api.js';

/**
 * Clears the fields that this service wrote about erased people, as far as Marketo still has them.
 * @returns the erasures that are done; a person who is gone in Marketo has nothing left to clear.
 * @throws AppError as MarketoClient.call, and MARKETO_MISCONFIGURED where a setting keeps fields from being cleared.
 */
export async function clearErased(
  api: Pick<MarketoApi, 'updatePeople'>,
  erasures: MarketoErasure[],
  known: Map<string, MarketoField>,
  logger: Pick<Logger, 'error'>,
  signal?: AbortSignal,
): Promise<string[]> {
  const due = erasures.filter(({ rewritten }) => !rewritten);
  // One person may have been erased twice, and Marketo takes a person once per call.
  const byPerson = new Map<number, Record<string, null>>();
  for (const { marketoId, fields } of due) {
    const cleared = fields.filter((name) => known.get(name)?.readOnly === false).map((name) => [name, null]);
    if (cleared.length > 0) byPerson.set(marketoId, { ...byPerson.get(marketoId), ...Object.fromEntries(cleared) });
  }
  const input = [...byPerson].map(([id, fields]) => ({ id, ...fields }));
  if (input.length > 0) {
    const results = await api.updatePeople('id', input, signal);
    if (results.length !== input.length) {
      throw new AppError('MARKETO_OUTCOME_UNKNOWN', `Marketo answered ${results.length} results for ${input.length} people.`);
    }
    for (const { status, reasons } of results) {
      if (status === 'updated') continue;
      const error = recordError(reasons?.[0] ?? { code: 'none', message: `status ${status} without a reason` });
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
