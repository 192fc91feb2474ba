import 'reflect-metadata';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { acceptLead } from '../../src/ingress/accept-lead.js';
import { parseLead } from '../../src/ingress/parse-lead.js';
import { acceptLeads } from '../../src/ledger/intake.repository.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { createHttpAdapter } from '../../src/platform/http/adapter.js';
import { Database } from '../../src/platform/database/database.js';
import { openPool } from '../../src/platform/database/pool.js';
import { openQueueBackend } from '../../src/queue/queue.module.js';

// Baseline (d): this service without batching: one INSERT and one queue.add per request, both awaited.
const databaseUrl = process.env['DATABASE_URL']!;
const pool = openPool({ url: databaseUrl, max: 10, timeoutMs: 5000, name: 'bench' });
const database = new Database(pool);
const config = loadConfig({}, { aiProviders: ['heuristic'], crmProviders: ['postgres'] });
const backend = await openQueueBackend(config, { databaseUrl, redisUrl: process.env['REDIS_URL']! }, pino({ level: 'warn' }));
const added: Promise<void>[] = [];
const tools = {
  ledger: { accept: async (lead: Parameters<typeof acceptLeads>[1][0]) => (await acceptLeads(database, [lead], [], false))[0]! },
  publisher: {
    publish: (stage: 'enrichment' | 'crm-sync', reference: { leadId: string; epoch: number; jobId: string }) =>
      void added.push(backend.queue(stage).enqueue([reference])),
  },
};

@Controller('leads')
class LeadsController {
  @Post()
  @HttpCode(202)
  async post(@Body() body: unknown) {
    const answer = await acceptLead(tools, parseLead(body));
    await Promise.all(added.splice(0));
    return answer;
  }
}

@Module({ controllers: [LeadsController] })
class AppModule {}

const app = await NestFactory.create<NestFastifyApplication>(AppModule, createHttpAdapter(), {
  bodyParser: false,
  logger: ['error'],
});
await app.listen(0, '127.0.0.1');
console.log(`URL ${await app.getUrl()}`);
