import type { FastifyInstance } from 'fastify';
import type { FieldProblem } from '../domain/app-error.js';
import type { RejectedRequest } from '../ledger/rejections.repository.js';
import { FORM_TYPE } from '../platform/http/api-operation.js';
import { fieldsInAddress } from '../platform/http/fields-in-address.js';
import type { Logger } from '../platform/observability/logger.js';

/**
 * Answers that refuse a request for its content. What they refuse exists nowhere else: Marketo does not send it again.
 */
const REFUSED_FOR_CONTENT = new Set([400, 413, 415]);
/** Rows of an import are in the operator's file; kept, they would evict the webhooks of which this is the only copy. */
export const IMPORT_HEADER = 'x-revenueflow-import';

/**
 * Keeps each authenticated POST /leads that is refused for its content, with its body: it can be replayed once the
 * template is corrected. The answer waits for that, and is sent whether or not it succeeds.
 */
export function captureRejections(
  fastify: FastifyInstance,
  keep: (rejected: RejectedRequest) => Promise<unknown>,
  logger: Logger,
): void {
  fastify.addHook('onSend', async (request, reply, payload) => {
    if (!REFUSED_FOR_CONTENT.has(reply.statusCode) || request.routeOptions.url !== '/leads') return payload;
    if (request.headers[IMPORT_HEADER] !== undefined) return payload;
    const inAddress = request.rawBody?.length ? null : fieldsInAddress(request.url);
    const body = inAddress === null ? request.rawBody : Buffer.from(inAddress);
    if (!body?.length) return payload;
    try {
      const problem = JSON.parse(String(payload)) as { code: string; detail: string; errors: FieldProblem[] };
      const contentType = inAddress === null ? (request.sentContentType ?? '').slice(0, 500) : FORM_TYPE;
      await keep({ contentType, body, code: problem.code, detail: problem.detail, problems: problem.errors });
    } catch (error) {
      logger.warn({ requestId: request.id, err: error }, 'A rejected request could not be kept');
    }
    return payload;
  });
}
