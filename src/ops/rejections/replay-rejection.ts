import { AppError } from '../../domain/app-error.js';
import type { Rejection } from '../../ledger/rejections.repository.js';
import { parseFormBody, parseJsonBody } from '../../platform/http/parse-body.js';
import { acceptLead, type Acknowledgement, type AcceptTools } from '../../ingress/accept-lead.js';
import { parseLead } from '../../ingress/parse-lead.js';

/**
 * Takes a rejected request once more, with the corrected fields in place of its own.
 * @throws AppError INVALID_BODY or INVALID_LEAD where it is still wrong; nothing was stored then.
 */
export function replayRejection(
  tools: AcceptTools,
  rejection: Rejection,
  corrected: Record<string, unknown>,
): Promise<Acknowledgement> {
  return acceptLead(tools, parseLead({ ...fieldsOf(rejection), ...corrected }));
}

function fieldsOf({ contentType, body }: Rejection): Record<string, unknown> {
  try {
    const parsed = contentType.includes('json') ? parseJsonBody(withNulls(body)) : parseFormBody(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : {};
  } catch (error) {
    // What cannot be read gives no fields: the corrected ones then have to say everything, or the answer tells what is missing.
    if (error instanceof AppError) return {};
    throw error;
  }
}

/** Mends the commonest break, a token without a value: `"email": ,` becomes `"email": null,`. */
function withNulls(body: Buffer): Buffer {
  return Buffer.from(body.toString().replaceAll(/("(?:[^"\\]|\\.){1,100}"\s*:\s*)(?=[,}])/g, '$1null'));
}
