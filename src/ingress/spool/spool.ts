import type { LeadToAccept, SpooledLead } from '../../ledger/intake.repository.js';

/** What takes the leads while PostgreSQL is away. */
export interface Spool {
  /** Resolves when its store answers; not before, however long that takes. */
  connected(): Promise<void>;
  /** Resolves once the lead is durable. Rejects where that is not certain: then the sender must not hear a 2xx. */
  write(lead: LeadToAccept): Promise<void>;
  /** The oldest leads, in the order in which they came. */
  read(limit: number): Promise<SpooledLead[]>;
  remove(entries: string[]): Promise<void>;
  /** All that waits of one person. */
  ofPerson(personKey: string): Promise<SpooledLead[]>;
  size(): Promise<number>;
  /** How a write is confirmed; null where it cannot be, so that the spool is of no use. */
  describe(): Promise<string | null>;
  close(): Promise<void>;
}
