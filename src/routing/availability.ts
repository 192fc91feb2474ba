import { isWorking } from './business-time.js';
import type { Absence } from './members.repository.js';
import type { Turn } from './pool-turn.js';
import type { CompiledRep } from './rules.js';
import type { WorkingCalendar } from './working-calendar.js';

/** What decisions know besides the rules and the lead. They change turns and counts as they give leads. */
export interface World {
  at: Date;
  /** A user of the CRM; undefined where the mirror does not know it: then it counts as active. */
  member(ownerId: string): { active: boolean; absent: readonly Absence[] } | undefined;
  /** By rep; a member without a turn is new. */
  turnsOf(pool: string): Map<string, Turn>;
  /** Leads that the rep got today, by the day of its time zone. */
  today(rep: string): number;
  /** Leads of the rep without an outcome. */
  open(rep: string): number;
  given(turn: GivenTurn): void;
  /** The number of the next decision. */
  nextStamp(): number;
}

export interface GivenTurn {
  pool: string;
  /** Who got the lead. */
  rep: string;
  /** What of the lead was the share of a weight of 1. */
  share: number;
}

export interface AvailabilityQuestion {
  ownerId: string;
  /** Undefined where the rules do not name the owner. */
  rep: CompiledRep | undefined;
  /** Whether working hours, caps and absences count. */
  hours: boolean;
  caps: boolean;
  absences: boolean;
}

/** Why an owner may not get a lead now, as `… who is absent`; null where it may. */
export function availabilityOf(world: World, { ownerId, rep, hours, caps, absences }: AvailabilityQuestion): string | null {
  const member = world.member(ownerId);
  if (member?.active === false || rep?.active === false) return 'is inactive';
  if (!rep) return null;
  const calendar = rep.calendar(member?.absent ?? []);
  // A member who works now is neither absent nor out of hours, so most are asked once.
  if ((hours || absences) && !isThere(world.at, calendar, hours)) {
    if (absences && (!hours || !isThere(world.at, calendar, false))) return 'is absent';
    return 'is out of working hours';
  }
  if (!caps) return null;
  if (rep.dailyCap !== undefined && world.today(rep.id) >= rep.dailyCap) return `has had ${rep.dailyCap} leads today`;
  if (rep.openCap !== undefined && world.open(rep.id) >= rep.openCap) return `has ${rep.openCap} open leads`;
  return null;
}

const MINUTE = 60_000;

/** The answer for the minute: working times and absences begin and end with a minute. */
const ANSWERS = new WeakMap<WorkingCalendar, { minute: number; inHours?: boolean; present?: boolean }>();

/** @param hours false: only absences and holidays count. */
function isThere(at: Date, calendar: WorkingCalendar, hours: boolean): boolean {
  const minute = Math.floor(at.getTime() / MINUTE);
  let known = ANSWERS.get(calendar);
  if (known?.minute !== minute) ANSWERS.set(calendar, (known = { minute }));
  if (hours) return (known.inHours ??= isWorking(at, calendar));
  return (known.present ??= isWorking(at, { ...calendar, shifts: null }));
}
