import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { OpsLeadsController } from './leads.controller.js';
import { MetricsController } from './metrics.controller.js';
import { QueuesController } from './queues.controller.js';

@Module({ controllers: [HealthController, MetricsController, OpsLeadsController, QueuesController] })
export class OpsModule {}
