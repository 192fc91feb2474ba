import { Module } from '@nestjs/common';
import { loadRules } from '../../enrichment/score-by-rules.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/platform.module.js';
import { ScoreController } from './score.controller.js';
import { RULES, ScoreService } from './score.service.js';

@Module({
  controllers: [ScoreController],
  providers: [
    { provide: RULES, inject: [CONFIG], useFactory: ({ SCORING_PROFILE }: Config) => loadRules(SCORING_PROFILE) },
    ScoreService,
  ],
  exports: [RULES, ScoreService],
})
export class ScoreModule {}
