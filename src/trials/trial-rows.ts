import { z } from 'zod';
import { problemText, schemaProblems } from '../domain/schema-problems.js';
import { challengerSchema, type Challenger } from './challenger.js';
import { settingsSchema, type ListedTrial, type Trial } from './trial.js';

interface ScorerHead {
  version: number;
  trialId: number | null;
  at: string | null;
  who: string | null;
}

/** The scorer in use; version 0 is the one of the configuration. */
export interface Champion extends ScorerHead {
  challenger: Challenger;
  unreadable: null;
}

/** A scorer that another version of this service promoted, and that this one cannot open; `unreadable` says why. */
export interface UnreadableChampion extends ScorerHead {
  challenger: null;
  unreadable: string;
}

export type ScorerInUse = Champion | UnreadableChampion;

export const CONFIGURED: Champion = { version: 0, trialId: null, challenger: {}, at: null, who: null, unreadable: null };

export interface ChampionRow {
  version: number;
  at: Date;
  who: string;
  trial_id: number | null;
  challenger: Challenger | null;
  previous: number | null;
}

export type TrialRow = Omit<Trial, 'createdAt' | 'endedAt' | 'unreadable'> & { createdAt: Date; endedAt: Date | null };

const trialParts = z.object({ challenger: challengerSchema, settings: settingsSchema });
const championParts = trialParts.pick({ challenger: true });

/** Never throws: one trial that another version wrote must not hide the others. */
export function trialOf(row: TrialRow): ListedTrial {
  const { id, kind, state, note, who, reason, lastError, injections } = row;
  const times = { createdAt: row.createdAt.toISOString(), endedAt: row.endedAt?.toISOString() ?? null };
  const head = { id, kind, state, note, who, ...times, reason, lastError, injections };
  const parts = trialParts.safeParse({ challenger: row.challenger, settings: row.settings });
  return parts.success
    ? { ...head, ...parts.data, unreadable: null }
    : { ...head, challenger: null, settings: null, unreadable: whyUnreadable(parts.error) };
}

/** Never throws, like `trialOf`. */
export function championOf({ version, at, who, trial_id, challenger }: ChampionRow): ScorerInUse {
  const head = { version, trialId: trial_id, at: at.toISOString(), who };
  const parts = championParts.safeParse({ challenger: challenger ?? {} });
  return parts.success
    ? { ...head, ...parts.data, unreadable: null }
    : { ...head, challenger: null, unreadable: whyUnreadable(parts.error) };
}

function whyUnreadable(error: z.ZodError): string {
  const problems = schemaProblems(error).map(problemText).join('; ');
  return `Another version of this service wrote it, and this version cannot read it (${problems}).`.slice(0, 500);
}
