import { Module } from '@nestjs/common';
import { RejectionsController } from './rejections.controller.js';
import { RejectionsService } from './rejections.service.js';

/** Only in processes that take webhooks: a replay runs the same code as a webhook. */
@Module({
  controllers: [RejectionsController],
  providers: [RejectionsService],
  exports: [RejectionsService],
})
export class RejectionsModule {}
