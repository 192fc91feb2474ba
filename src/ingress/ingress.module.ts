import { Module } from '@nestjs/common';
import { LeadsController } from './leads.controller.js';

/** POST /leads. The ledger and the queue come from their own global modules. */
@Module({ controllers: [LeadsController] })
export class IngressModule {}
