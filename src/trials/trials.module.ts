import { Global, Module } from '@nestjs/common';
import { BAND_LIMITS } from '../outcomes/outcomes-report.js';
import { ActiveProfile } from './active-profile.js';
import { TrialFiguresRepository } from './trial-figures.repository.js';
import { TrialReport } from './trial-report.js';
import { TrialScoresRepository } from './trial-scores.repository.js';
import { TrialsRepository } from './trials.repository.js';
import { TrialsService } from './trials.service.js';

const PARTS = [ActiveProfile, TrialFiguresRepository, TrialReport, TrialScoresRepository, TrialsRepository, TrialsService];

const LIMITS = {
  provide: BAND_LIMITS,
  inject: [ActiveProfile],
  useFactory: (profile: ActiveProfile) => async () => (await profile.rules()).profile.bands,
};

/** The schema `trials`: other scorers beside the one in use. The pipeline's module adds the parts that score. */
@Global()
@Module({ providers: [...PARTS, LIMITS], exports: [...PARTS, LIMITS] })
export class TrialsModule {}
