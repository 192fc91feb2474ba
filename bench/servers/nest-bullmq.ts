import 'reflect-metadata';
import { BullModule, InjectQueue } from '@nestjs/bullmq';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Queue } from 'bullmq';

// Baselines (b) and (e): Nest's sample 26-queues, on Express as in the sample or on Fastify as this service
// (PLATFORM). The job is in Redis' memory when the answer is sent.
@Controller('leads')
class LeadsController {
  constructor(@InjectQueue('leads') private readonly queue: Queue) {}

  @Post()
  @HttpCode(202)
  async post(@Body() body: object) {
    const job = await this.queue.add('lead', body);
    return { status: 'accepted', id: job.id };
  }
}

@Module({
  imports: [BullModule.forRoot({ connection: { url: process.env['REDIS_URL']! } }), BullModule.registerQueue({ name: 'leads' })],
  controllers: [LeadsController],
})
class AppModule {}

const adapter = process.env['PLATFORM'] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, adapter, { logger: ['error'] });
await app.listen(0, '127.0.0.1');
console.log(`URL ${await app.getUrl()}`);
