import { Module } from '@nestjs/common';
import { OpsModule } from '../ops.module.js';
import { RejectionsModule } from '../rejections/rejections.module.js';
import { BulkReplays } from './bulk-replays.js';

/** Only in processes that take webhooks: a replay of a rejection runs the same code as a webhook. */
@Module({ imports: [OpsModule, RejectionsModule], providers: [BulkReplays], exports: [BulkReplays] })
export class BulkModule {}
