import type { LeadsRepository } from '../ledger/leads.repository.js';
import { IgnoredAttributes } from '../ledger/ignored-attributes.js';
import { describeVolatile, volatileAttributes } from '../ledger/volatile-attributes.js';
import type { Clock } from '../platform/clock.js';
import type { Logger } from '../platform/observability/logger.js';

/** Fewer revisions show no pattern; and a lead is looked at once per so many. */
const EVERY_REVISIONS = 5;
const EVERY_MS = 60_000;
/** Names that were logged; forgotten with the process. */
const MAX_NAMES = 100;

/**
 * Logs the attributes that make a revision of every repeat, since each revision costs a scoring and a CRM update. It
 * reads the audit trail of one lead per minute at most, after the answer was sent.
 */
export class VolatileAttributesCheck {
  private readonly ignored: IgnoredAttributes;
  private readonly logged = new Set<string>();
  private lastAt = -Infinity;

  constructor(
    private readonly tools: { leads: Pick<LeadsRepository, 'findLead'>; logger: Logger; clock: Clock },
    contentIgnore: string[],
  ) {
    this.ignored = new IgnoredAttributes(contentIgnore);
  }

  async afterRevision(leadId: string, revision: number): Promise<void> {
    const { leads, logger, clock } = this.tools;
    if (revision <= EVERY_REVISIONS || revision % EVERY_REVISIONS !== 1 || clock.now() - this.lastAt < EVERY_MS) return;
    this.lastAt = clock.now();
    const found = await leads.findLead(leadId).catch(() => null); // the next revision asks again
    for (const attribute of found ? volatileAttributes(found.events, this.ignored) : []) {
      if (this.logged.has(attribute.name) || this.logged.size >= MAX_NAMES) continue;
      this.logged.add(attribute.name);
      logger.warn(
        { leadId, attribute: attribute.name },
        `Each repeat of a lead becomes a revision: ${describeVolatile(attribute)}`,
      );
    }
  }
}
