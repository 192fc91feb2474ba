import type { FastifyInstance } from 'fastify';
import type { FieldProblem } from '../domain/app-error.js';
import type { RejectedRequest } from '../ledger/rejections.repository.js';
import type { Logger } from '../platform/observability/logger.js';

/**
 * Keeps each authenticated POST /leads that is answered 400, with its raw body: after the template is mended it can be
 * replayed. The answer waits for that, and goes out whatever comes of it.
 */
export function captureRejections(
  fastify: FastifyInstance,
  keep: (rejected: RejectedRequest) => Promise<unknown>,
  logger: Logger,
): void {
  fastify.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 400 || request.routeOptions.url !== '/leads' || !request.rawBody?.length) return payload;
    try {
      const problem = JSON.parse(String(payload)) as { code: string; detail: string; errors: FieldProblem[] };
      const contentType = request.headers['content-type'] ?? '';
      await keep({ contentType, body: request.rawBody, code: problem.code, detail: problem.detail, problems: problem.errors });
    } catch (error) {
      logger.warn({ requestId: request.id, err: error }, 'A rejected request could not be kept');
    }
    return payload;
  });
}
