import type { LeadToAccept, SpooledLead } from '../../ledger/intake.repository.js';

/** An entry as the spool has it. `lead` is null where the text is no lead that this version can read. */
export interface SpoolEntry {
  entry: string;
  text: string;
  lead: SpooledLead | null;
}

/** Stores leads while PostgreSQL is unavailable. */
export interface Spool {
  /** Resolves when its store answers; not before, however long that takes. */
  connected(): Promise<void>;
  /** Resolves once the lead is durable. Rejects where that is not certain: then the sender must not hear a 2xx. */
  write(lead: LeadToAccept): Promise<void>;
  /** The oldest entries, in the order in which they came. */
  read(limit: number): Promise<SpoolEntry[]>;
  remove(entries: string[]): Promise<void>;
  /** All leads of one person that wait. Entries that cannot be read are not among them. */
  ofPerson(personKey: string): Promise<SpooledLead[]>;
  size(): Promise<number>;
  /** How a write is confirmed; null where it cannot be, so that the spool is of no use. */
  describe(): Promise<string | null>;
  close(): Promise<void>;
}
