import { Param, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';

const uuid = z.uuid();

class IdPipe implements PipeTransform<string, string> {
  constructor(private readonly notFound: string) {}

  transform(value: string): string {
    // A text that is no UUID identifies nothing. PostgreSQL would refuse it with an unrelated error.
    if (!uuid.safeParse(value).success) throw new AppError('NOT_FOUND', this.notFound);
    return value.toLowerCase();
  }
}

/** The `:id` of a route. `notFound` is the answer to a text that cannot be an id. */
export const IdParam = (notFound: string) => Param('id', new IdPipe(notFound));
