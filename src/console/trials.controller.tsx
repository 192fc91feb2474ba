import { Controller, Param } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PageRequest, ConsoleViewer } from './console-viewer.js';
import { Page } from './console-page.js';
import { renderPage } from './layout.js';
import { TrialPage, TrialsPage } from './pages/trials.page.js';
import { AppError } from '../domain/app-error.js';
import { TrialsService } from '../trials/trials.service.js';

/** Other scorers beside the one in use: what was tried, and what it showed. */
@Controller('console/scores/trials')
export class ConsoleTrialsController {
  constructor(
    private readonly viewers: ConsoleViewer,
    private readonly trials: TrialsService,
  ) {}

  @Page('')
  async list(@PageRequest() request: FastifyRequest) {
    const [viewer, champion, trials] = await Promise.all([this.viewers.of(request), this.trials.champion(), this.trials.list()]);
    return renderPage(<TrialsPage viewer={viewer} champion={champion} trials={trials} />);
  }

  @Page(':trial')
  async trial(@Param('trial') number: string, @PageRequest() request: FastifyRequest) {
    if (!/^[1-9]\d{0,8}$/.test(number)) throw new AppError('NOT_FOUND', 'No trial has this number.');
    const [viewer, trial] = await Promise.all([this.viewers.of(request), this.trials.report(Number(number))]);
    return renderPage(<TrialPage viewer={viewer} trial={trial} />);
  }
}
