import Fastify from 'fastify';

// Baseline (a): the HTTP server alone. It answers 202 and stores nothing.
const app = Fastify();
app.post('/leads', (_request, reply) => reply.code(202).send({ status: 'accepted' }));
console.log(`URL ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
