import { AppError } from '../../domain/app-error.js';
import type { IntakeNote, LeadInput } from '../../domain/lead.js';
import type { Rejection } from '../../ledger/rejections.repository.js';
import { acceptLead, type Acknowledgement, type AcceptTools } from '../../ingress/accept-lead.js';
import { parseLead } from '../../ingress/parse-lead.js';
import { flatten } from '../../ingress/flatten.js';
import { IntakeNotes } from '../../ingress/intake-notes.js';
import { readCorrections } from '../dead-letters/corrected-fields.js';
import { readKeptBody } from '../../platform/http/read-kept-body.js';

export interface ReplayChanges {
  /** Fields that replace the request's own. */
  corrected: Record<string, unknown>;
  /** Fields of the lead, each with the field of the body that its value is taken from. */
  renamed?: Record<string, string>;
  /** The charset of the body, where its header named none or a wrong one. */
  charset?: string | undefined;
}

/**
 * Replays a rejected request, with the corrected fields in place of its own. The body is read by the same rules as on
 * arrival. Faults with exactly one correction are corrected (see readKeptBody).
 * @throws AppError INVALID_BODY, BODY_TOO_LARGE or INVALID_LEAD where it is still invalid; no lead was stored then.
 */
export async function replayRejection(
  tools: AcceptTools,
  rejection: Rejection,
  changes: ReplayChanges,
): Promise<Acknowledgement> {
  return acceptLead(tools, repairedLead(rejection, changes));
}

/** The lead that the replay would store. @throws as `replayRejection` */
export function repairedLead(rejection: Rejection, { corrected, renamed = {}, charset }: ReplayChanges): LeadInput {
  const { fields, notes } = fieldsOf(rejection, corrected, charset);
  const corrections = readCorrections(corrected, namesIn(fields));
  return parseLead({ ...withNewNames(fields, renamed), ...corrections }, notes);
}

/** A body without the field stays as it is, so that what it lacks is refused. */
function withNewNames(fields: Record<string, unknown>, renamed: Record<string, string>): Record<string, unknown> {
  const result = { ...fields };
  for (const [name, source] of Object.entries(renamed)) {
    if (!Object.hasOwn(fields, source)) continue;
    result[name] = fields[source];
    if (source !== name && !Object.hasOwn(renamed, source)) delete result[source];
  }
  return result;
}

/** Also of nested fields, as the lead will have them. */
function namesIn(fields: Record<string, unknown>): string[] {
  return [...Object.keys(fields), ...Object.keys(flatten(fields, new IntakeNotes()).fields)];
}

function fieldsOf(
  rejection: Rejection,
  corrected: Record<string, unknown>,
  charset: string | undefined,
): { fields: Record<string, unknown>; notes: IntakeNote[] } {
  const isCorrected = 'email' in corrected && 'campaign_id' in corrected;
  if (rejection.code === 'BODY_TOO_LARGE') {
    if (isCorrected) return { fields: {}, notes: [] };
    const message =
      'The body was larger than 64 KiB and only its first 64 KiB were kept. No lead was stored. Give email, campaign_id and ' +
      'the other fields as corrections.';
    throw new AppError('BODY_TOO_LARGE', message);
  }
  try {
    return readKeptBody(rejection, { charset, replaced: Object.keys(corrected) });
  } catch (error) {
    // No field of an unreadable body is known, but the corrections may be a complete lead.
    if (error instanceof AppError && error.code === 'UNSUPPORTED_MEDIA_TYPE' && isCorrected) return { fields: {}, notes: [] };
    if (error instanceof AppError && error.code === 'INVALID_BODY' && isCorrected && error.problems.length === 0)
      return { fields: {}, notes: [] };
    throw error;
  }
}
