import { AppError } from '../../domain/app-error.js';
import type { Rejection } from '../../ledger/rejections.repository.js';
import { parseFormBody, parseJsonBody } from '../../platform/http/parse-body.js';
import { acceptLead, type Acknowledgement, type AcceptTools } from '../../ingress/accept-lead.js';
import { parseLead } from '../../ingress/parse-lead.js';
import { withCampaignId } from '../dead-letters/corrected-fields.js';

/**
 * Accepts a rejected request with the corrected fields in place of its own.
 * @throws AppError INVALID_BODY or INVALID_LEAD where it is still wrong; nothing was stored then.
 */
export function replayRejection(
  tools: AcceptTools,
  rejection: Rejection,
  corrected: Record<string, unknown>,
): Promise<Acknowledgement> {
  const fields = fieldsOf(rejection);
  return acceptLead(tools, parseLead({ ...fields, ...withCampaignId(corrected, fields) }));
}

function fieldsOf({ contentType, body }: Rejection): Record<string, unknown> {
  try {
    const parsed = contentType.includes('json') ? parseJsonBody(withNulls(body)) : parseFormBody(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : {};
  } catch (error) {
    // A body that cannot be read has no fields: the corrections must then be complete, or the answer names what is missing.
    if (error instanceof AppError) return {};
    throw error;
  }
}

/** Repairs the most common fault, a token without a value: `"email": ,` becomes `"email": null,`. */
function withNulls(body: Buffer): Buffer {
  return Buffer.from(body.toString().replaceAll(/("(?:[^"\\]|\\.){1,100}"\s*:\s*)(?=[,}])/g, '$1null'));
}
