import type { LeadEvent } from '../domain/lead.js';
import type { IgnoredAttributes } from './ignored-attributes.js';

/** An attribute that changed in each of the last revisions, so that every repeat of the webhook makes a revision. */
export interface VolatileAttribute {
  name: string;
  revisions: number;
}

const LOOK_AT = 10;
const ENOUGH = 4;
/** A time, a number or an id. Text that a person enters is content, however often it changes. */
const MADE_BY_A_MACHINE = /^(?=.*\d)(?:[\d\s:.,+\-/TZ]+|[\w\-.~=]{6,})$/;
const DATE_IN_WORDS = /\b\d{1,2}:\d{2}\b/;

/** Attributes that CONTENT_IGNORE should probably list, from a lead's events. */
export function volatileAttributes(events: LeadEvent[], ignored: IgnoredAttributes): VolatileAttribute[] {
  const revisions = events.filter(({ kind }) => kind === 'revised').slice(-LOOK_AT);
  if (revisions.length < ENOUGH) return [];
  const changes = revisions.map(({ detail }) => (detail['changed'] ?? {}) as Record<string, { to: unknown }>);
  const names = Object.keys(changes[0]!).filter((name) => name !== 'name' && !ignored.has(name));
  return names
    .filter((name) => changes.every((changed) => isMachineMade(changed[name]?.to)))
    .map((name) => ({ name, revisions: revisions.length }));
}

export function describeVolatile({ name, revisions }: VolatileAttribute): string {
  return `\`${name}\` changed in ${revisions} of ${revisions} revisions; add it to CONTENT_IGNORE`;
}

function isMachineMade(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 100 && (MADE_BY_A_MACHINE.test(value) || DATE_IN_WORDS.test(value));
}
