/** The first three characters of an id identify its object. */
export const KEY_PREFIX = {
  Lead: '00Q',
  Contact: '003',
  Campaign: '701',
  CampaignMember: '00v',
  CampaignMemberStatus: '01Y',
  Opportunity: '006',
  Account: '001',
  User: '005',
  Task: '00T',
  Event: '00U',
} as const;
export type ObjectName = keyof typeof KEY_PREFIX;

const SUFFIX = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The case-safe form: three more characters encode which of the fifteen are upper-case. */
export function to18(id: string): string {
  if (id.length !== 15) return id;
  let suffix = '';
  for (let part = 0; part < 3; part++) {
    let bits = 0;
    for (let at = 0; at < 5; at++) if (/[A-Z]/.test(id[part * 5 + at]!)) bits |= 1 << at;
    suffix += SUFFIX[bits];
  }
  return id + suffix;
}

export const isId = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^[A-Za-z0-9]+$/.test(value) &&
  (value.length === 15 || (value.length === 18 && to18(value.slice(0, 15)) === value));

/** The object of an id, by its prefix; null for an object that the fake does not have. */
export function objectOf(id: string): ObjectName | null {
  return (Object.keys(KEY_PREFIX) as ObjectName[]).find((name) => id.startsWith(KEY_PREFIX[name])) ?? null;
}

export class IdSequence {
  private next = 1;

  of(prefix: string): string {
    let rest = '';
    for (let n = this.next++; n > 0; n = Math.floor(n / 62)) rest = DIGITS[n % 62] + rest;
    return to18(`${prefix}5e0000${rest.padStart(6, '0')}`);
  }
}
