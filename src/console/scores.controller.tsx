import { Controller, Inject, Query } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CalibrationService } from '../outcomes/calibration.service.js';
import { TARGETS, type Target } from '../outcomes/outcome.js';
import type { OutcomesReport } from '../outcomes/outcomes-report.js';
import { OutcomesService } from '../outcomes/outcomes.service.js';
import type { Clock } from '../platform/clock.js';
import { CLOCK } from '../platform/platform.module.js';
import { Page } from './console-page.js';
import { ConsoleViewer, PageRequest } from './console-viewer.js';
import { renderPage } from './layout.js';
import { ScoresPage } from './pages/scores.page.js';
import { Reading } from './reading.js';

/** The report reads all scores, so open pages share one. */
const KEPT_MS = 60_000;
const querySchema = z.object({ target: z.enum(TARGETS as [Target]).default('converted') });

/** What the scores of leads were worth. */
@Controller('console/scores')
export class ConsoleScoresController {
  private readonly reports: Record<Target, Reading<OutcomesReport>>;

  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly calibrations: CalibrationService,
    outcomes: OutcomesService,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.reports = Object.fromEntries(
      TARGETS.map((target) => [target, new Reading(clock, KEPT_MS, () => outcomes.reportOn({ target }))]),
    ) as Record<Target, Reading<OutcomesReport>>;
  }

  @Page('')
  async report(@Query({ schema: querySchema }) { target }: z.output<typeof querySchema>, @PageRequest() request: FastifyRequest) {
    const [viewer, report, calibration] = await Promise.all([
      this.viewers.of(request),
      this.reports[target].read(),
      this.calibrations.active(),
    ]);
    return renderPage(<ScoresPage viewer={viewer} report={report} calibration={calibration} targets={TARGETS} />);
  }
}
