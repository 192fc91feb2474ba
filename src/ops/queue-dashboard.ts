import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../domain/app-error.js';
import { STAGES } from '../domain/lead-state.js';
import { problemOf, asAppError } from '../platform/http/problem.js';
import type { QueueBackend } from '../queue/queue-backend.js';

export const BOARD_PATH = '/ops/queues/board';

/**
 * Passes the role to the dashboard's visibility guards, which see only headers. A value from a client is overwritten.
 */
const ROLE_HEADER = 'x-revenueflow-role';

/**
 * What an operator may do to jobs here: run one sooner or remove it. Neither can lose a lead, since the sweeper
 * replaces a missing job. The dashboard's other functions would bypass the ledger. Its pause would not last and `ops
 * queues` would not show it; its rate limit would conflict with ours.
 */
const ALLOWED = /^\/api\/queues\/:queueName\/(?:(?:retry|clean)\/:queueStatus|promote|:jobId\/(?:retry|promote|clean))$/;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; " +
  "frame-ancestors 'none'; base-uri 'self'; form-action 'none'";

export interface BoardTools {
  backend: Pick<QueueBackend, 'bullQueues'>;
  /** Audits an act before it is carried out. If that fails, the act is not carried out. */
  record(who: string, act: string, detail: Record<string, unknown>): Promise<void>;
}

/**
 * Serves bull-board under BOARD_PATH. It registers on Fastify instead of Nest, so the access of its routes is set here.
 * Jobs contain lead ids and epochs, so it shows no personal data.
 */
export function mountQueueDashboard(fastify: FastifyInstance, tools: BoardTools): void {
  const server = new FastifyAdapter();
  server.setBasePath(BOARD_PATH);
  createBullBoard({
    queues: tools.backend
      .bullQueues()
      .flatMap((queue) => [
        visibleTo('operator', new BullMQAdapter(queue)),
        visibleTo('viewer', new BullMQAdapter(queue, { readOnlyMode: true, prefix: 'view ', displayName: queue.name })),
      ]),
    serverAdapter: server,
    options: { uiConfig: { boardTitle: 'RevenueFlow AI', hideDocsLink: true, showMetrics: false } },
  });
  server.setErrorHandler((error) => {
    const problem = problemOf(asAppError(error));
    return { status: problem.status as never, body: problem };
  });
  void fastify.register(
    async (board) => {
      board.addHook('onRoute', (route) => {
        const reads = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD');
        route.config = { ...route.config, access: reads ? 'viewer' : 'operator', basicAuth: true };
      });
      board.addHook('onRequest', async (request, reply) => {
        // 405 and OPTIONS are answered without a role.
        request.headers[ROLE_HEADER] = request.operator?.role ?? 'none';
        void reply.header('content-security-policy', POLICY);
      });
      board.addHook('preHandler', (request) => admit(request, tools));
      // Fastify drops the content type when an error replaces the answer, so it is set last.
      const problems = new WeakSet<FastifyReply>();
      board.addHook('onError', async (_request, reply) => void problems.add(reply));
      board.addHook('onSend', async (_request, reply) => {
        if (problems.has(reply)) void reply.header('content-type', 'application/problem+json');
      });
      await board.register(server.registerPlugin());
    },
    { prefix: BOARD_PATH },
  );
}

async function admit(request: FastifyRequest, { record }: BoardTools): Promise<void> {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const act = request.routeOptions.url!.slice(BOARD_PATH.length);
  if (!ALLOWED.test(act)) {
    throw new AppError(
      'FORBIDDEN',
      `The board retries, promotes and removes jobs. Pause and resume with npx revenueflow queues (${STAGES.join(', ')}), which holds and ` +
        'is kept in the audit trail.',
    );
  }
  await record(request.operator!.name, 'board', { act, ...(request.params as Record<string, string>) });
}

function visibleTo(role: 'viewer' | 'operator', adapter: BullMQAdapter): BullMQAdapter {
  adapter.setVisibilityGuard(({ headers }) => headers[ROLE_HEADER] === role);
  return adapter;
}
