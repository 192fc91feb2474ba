import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { CONFIG } from '../platform/platform.module.js';
import { IgnoredAttributes } from './ignored-attributes.js';
import { acceptLeads, type AcceptedLead, type LeadToAccept } from './intake.repository.js';
import { LOCK_FOR_REPAIR } from './marketo-erasures.repository.js';
import { StatementBatcher } from './statement-batcher.js';

/** A lead of a webhook call that never arrived, with the call. */
export interface LeadToRepair extends LeadToAccept {
  marketoId: number;
  calledAt: Date;
}

const ERASED = `
SELECT i.id FROM jsonb_to_recordset($1::jsonb) AS i (id uuid, "personKey" text, "marketoId" bigint, "calledAt" timestamptz)
WHERE EXISTS (SELECT 1 FROM ledger.marketo_erasures e WHERE e.person_hash = sha256(decode(i."personKey", 'hex')) AND e.at > i."calledAt")
  OR EXISTS (SELECT 1 FROM ledger.marketo_erasures e WHERE e.marketo_id = i."marketoId" AND e.at > i."calledAt")`;

/** Commits leads that were read from Marketo, as the intake does; but not of a person who was erased meanwhile. */
@Injectable()
export class MarketoRepairsRepository {
  private readonly accepting: StatementBatcher<LeadToRepair, AcceptedLead | 'erased'>;
  private readonly ignored: IgnoredAttributes;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) config: Pick<Config, 'CONTENT_IGNORE'>,
  ) {
    this.ignored = new IgnoredAttributes(config.CONTENT_IGNORE);
    this.accepting = new StatementBatcher({
      run: (leads) => this.acceptAll(leads),
      keyOf: ({ id }) => id,
      maxBatch: 300,
      parallel: 1,
    });
  }

  /**
   * @returns `erased` where the person was erased after the call: nothing was taken in.
   * @throws AppError LEDGER_UNAVAILABLE, INVALID_LEAD, or UNEXPECTED where the fault is in this service.
   */
  accept(lead: LeadToRepair): Promise<AcceptedLead | 'erased'> {
    return this.accepting.submit(lead);
  }

  private acceptAll(leads: LeadToRepair[]): Promise<(AcceptedLead | 'erased')[]> {
    return this.database.transaction(async (transaction) => {
      // An erasure that has begun is waited for, and is seen by the next statement.
      await transaction.query(LOCK_FOR_REPAIR);
      const calls = leads.map(({ id, personKey, marketoId, calledAt }) => ({ id, personKey, marketoId, calledAt }));
      const { rows } = await transaction.query<{ id: string }>(ERASED, [JSON.stringify(calls)]);
      const erased = new Set(rows.map(({ id }) => id));
      const kept = leads.filter(({ id }) => !erased.has(id));
      const accepted = await acceptLeads(transaction, kept, this.ignored.namesIn(kept), false);
      const answers = new Map(accepted.map((answer) => [answer.leadId, answer]));
      return leads.map(({ id }) => answers.get(id) ?? 'erased');
    });
  }
}
