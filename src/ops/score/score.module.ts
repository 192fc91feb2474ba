import { Module } from '@nestjs/common';
import { ScoreController } from './score.controller.js';
import { ScoreService } from './score.service.js';

@Module({
  controllers: [ScoreController],
  providers: [ScoreService],
  exports: [ScoreService],
})
export class ScoreModule {}
