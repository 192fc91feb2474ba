import { Global, Module } from '@nestjs/common';
import { ActiveProfile } from './active-profile.js';
import { TrialFiguresRepository } from './trial-figures.repository.js';
import { TrialReport } from './trial-report.js';
import { TrialScoresRepository } from './trial-scores.repository.js';
import { TrialsRepository } from './trials.repository.js';
import { TrialsService } from './trials.service.js';

const PARTS = [ActiveProfile, TrialFiguresRepository, TrialReport, TrialScoresRepository, TrialsRepository, TrialsService];

/** The schema `trials`: other scorers beside the one in use. The pipeline's module adds the parts that score. */
@Global()
@Module({ providers: PARTS, exports: PARTS })
export class TrialsModule {}
