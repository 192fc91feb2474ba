import { Module } from '@nestjs/common';
import { RejectionReplays } from './rejection-replays.js';
import { RejectionsController } from './rejections.controller.js';
import { RejectionsService } from './rejections.service.js';

/** Only in processes that take webhooks: a replay runs the same code as a webhook. */
@Module({
  controllers: [RejectionsController],
  providers: [RejectionReplays, RejectionsService],
  exports: [RejectionReplays, RejectionsService],
})
export class RejectionsModule {}
