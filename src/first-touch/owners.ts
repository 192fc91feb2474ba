import { ownerIdOf } from '../domain/salesforce-id.js';
import type { Member } from '../routing/members.repository.js';
import type { CompiledRules } from '../routing/rules.js';
import { workingCalendar, type WorkingCalendar } from '../routing/working-calendar.js';

/** What clocks and notices need to know about an owner. */
export interface Owner {
  userId: string;
  name: string;
  email: string | null;
  timeZone: string;
  calendar: WorkingCalendar;
  /** The user of the CRM whom the owner reports to. */
  managerId: string | null;
  /** The member id of Slack. */
  slackUser: string | null;
}

/** A user or queue of the CRM by the rules and the mirror of the CRM; one that neither knows is always there. */
export function ownerOf(userId: string, rules: CompiledRules, members: ReadonlyMap<string, Member>): Owner {
  const rep = rules.repsByUser.get(userId);
  const member = members.get(userId);
  const calendar = rep ? rep.calendar(member?.absent ?? []) : calendarOf(member?.timeZone ?? 'UTC', member);
  return {
    userId,
    name: rep?.name ?? member?.name ?? rep?.id ?? userId,
    email: rep?.email ?? member?.email ?? null,
    timeZone: calendar.clock.timeZone,
    calendar,
    managerId: managerOf(rep?.manager, rules) ?? member?.managerId ?? null,
    slackUser: slackUserOf(userId, rules),
  };
}

/** The time zone and the absences come from the CRM: what this runtime cannot read of them does not count. */
function calendarOf(timeZone: string, member: Member | undefined): WorkingCalendar {
  for (const source of [{ timeZone, absences: member?.absent ?? [] }, { timeZone }, { timeZone: 'UTC' }]) {
    const made = workingCalendar(source);
    if ('calendar' in made) return made.calendar;
  }
  throw new Error('UTC is no time zone of this runtime');
}

/** The rules name a manager by the id of a rep or of a user of the CRM. */
function managerOf(manager: string | undefined, rules: CompiledRules): string | null {
  return manager === undefined ? null : (rules.reps.get(manager)?.ownerId ?? ownerIdOf(manager));
}

/** The rules may have ids of 15 characters. */
function slackUserOf(userId: string, { source }: CompiledRules): string | null {
  const listed = Object.entries(source.firstTouch?.slackUsers ?? {});
  return listed.find(([id]) => ownerIdOf(id) === userId)?.[1] ?? null;
}
