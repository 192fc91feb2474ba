import { Controller } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import { Page } from './console-page.js';

/** An address below /console that no page has: a person gets a page with the navigation, not a problem document. */
@Controller('console')
export class MissingPageController {
  @Page('*')
  missing(): never {
    throw new AppError('NOT_FOUND', 'The console has no page with this address.');
  }
}
