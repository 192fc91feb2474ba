import type { Condition } from './conditions.js';

/** Makes the addresses of the console that alerts link to. */
export class ConsoleLinks {
  /** `publicUrl` without a slash at its end; undefined: alerts have no links. */
  constructor(private readonly publicUrl: string | undefined) {}

  /** `/ops/leads/<id>` where there is no link, so that the id can be copied. */
  lead(id: string): string {
    return this.publicUrl ? `${this.publicUrl}/console/leads/${id}` : `/ops/leads/${id}`;
  }

  /** A text that ends with the address of a page of the console. */
  append(text: string, page: string): string {
    return this.publicUrl ? `${text} Console: ${this.publicUrl}${page}` : text;
  }

  /** A condition whose first message links to the page that shows it. */
  of(condition: Condition): Condition {
    const page = condition.key.startsWith('breaker:') ? '/console/stages' : '/console';
    return { ...condition, text: this.append(condition.text, page) };
  }
}
