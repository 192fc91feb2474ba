import Fastify from 'fastify';

// Baseline (a): what the HTTP server alone can do. It answers 202 and keeps nothing.
const app = Fastify();
app.post('/leads', (_request, reply) => reply.code(202).send({ status: 'accepted' }));
console.log(`URL ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
