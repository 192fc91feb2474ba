import type { Load } from '../load.js';
import type { Random } from '../random.js';
import type { World } from '../world.js';

export interface Trial {
  world: World;
  random: Random;
  /** From 1. */
  number: number;
  /** The senders that send meanwhile. */
  load: Load;
  /** Of a full run, where times are what production has; false in CI. */
  full: boolean;
}

export interface Scenario {
  about: string;
  /** Trials in a full run and in CI. */
  trials: { full: number; ci: number };
  /**
   * How long a sender pauses between two leads at most; 10 ms unless the fault meets the worker, where a longer backlog makes a trial longer and
   * no more telling.
   */
  pauseAtMostMs?: number;
  /** Environment of the service, beside the usual. */
  settings?: Record<string, string>;
  /** Its own world, where the usual one does not do. Null: this machine cannot, and `about` says what it needs. */
  open?(): Promise<World | null>;
  close?(world: World): Promise<void>;
  /** What happens while the senders send; the load goes on around it. Throws a sentence where a promise is broken. */
  fault(trial: Trial): Promise<void>;
}

export type Scenarios = Record<string, Scenario>;
