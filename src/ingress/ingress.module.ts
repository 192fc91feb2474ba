import { Module } from '@nestjs/common';
import { LeadsController } from './leads.controller.js';
import { RejectionsController } from './rejections.controller.js';

/** POST /leads, and what it refused. The ledger and the queue come from their own global modules. */
@Module({ controllers: [LeadsController, RejectionsController] })
export class IngressModule {}
