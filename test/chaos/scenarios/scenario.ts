import type { Load } from '../load.js';
import type { Random } from '../random.js';
import type { World } from '../world.js';

export interface Trial {
  world: World;
  random: Random;
  /** From 1. */
  number: number;
  /** The senders that run meanwhile. */
  load: Load;
  /** Of a full run, where times are what production has; false in CI. */
  full: boolean;
  /** Prints what the trial has measured. */
  note(text: string): void;
}

export interface Scenario {
  about: string;
  /** Trials in a full run and in CI. */
  trials: { full: number; ci: number };
  /**
   * The longest pause of a sender between two leads; by default 10 ms. Longer where the worker is the subject,
   * because a long backlog only makes such trials longer.
   */
  pauseAtMostMs?: number;
  /** The same in CI, where fewer leads meet the same faults; by default 100 ms. Shorter for `api-kill`. */
  ciPauseAtMostMs?: number;
  /** It measures times, so no other scenario runs meanwhile. */
  alone?: true;
  /** Environment of the service, beside the usual. */
  settings?: Record<string, string>;
  /** Its own world, if it needs one. Null: not possible on this machine, and `about` says what it needs. */
  open?(): Promise<World | null>;
  close?(world: World): Promise<void>;
  /** The fault, under load. Throws a sentence if a guarantee is broken. */
  fault(trial: Trial): Promise<void>;
}

export type Scenarios = Record<string, Scenario>;
