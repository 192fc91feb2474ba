import { availabilityOf, type World } from './availability.js';
import { nextWorkingTime } from './business-time.js';
import { newTurn, peekTurn, takeTurn, type Candidate } from './pool-turn.js';
import type { CompiledRep, CompiledRules } from './rules.js';
import type { Pool } from './rules.schema.js';
import type { StoredTrace } from './trace.js';

export interface PoolRequest {
  excluded: ReadonlyMap<string, string>;
  world: World;
  trace: StoredTrace;
  /** Working hours and caps do not count. */
  withoutLimits?: boolean;
}

export interface Chosen {
  rep: string;
  ownerId: string;
  pool: string;
}

/** A member of a pool, and why it may not get a lead now; null where it may. */
export interface MemberState extends Candidate {
  ownerId: string;
  away: string | null;
}

/**
 * The member of a pool whose turn it is, by weight; where no member can take the lead, by the pool's `whenNone`.
 * @returns null where the fallback decides.
 */
export function choosePoolMember(rules: CompiledRules, name: string, request: PoolRequest): Chosen | null {
  const asked = new Set<string>();
  for (let pool = rules.pools.get(name); pool && !asked.has(pool.name);) {
    asked.add(pool.name);
    const chosen = chooseNow(rules, pool, request) ?? (request.withoutLimits ? null : chooseLater(rules, pool, request));
    if (chosen) return chosen;
    pool = typeof pool.whenNone === 'object' ? rules.pools.get(pool.whenNone.pool) : undefined;
  }
  return null;
}

/** Each member of a pool as it is at the moment. */
export function memberStates(
  rules: CompiledRules,
  pool: Pool,
  { excluded, world, withoutLimits = false }: PoolRequest,
): MemberState[] {
  const turns = world.turnsOf(pool.name);
  return pool.members.map(({ rep: id, weight, priority }) => {
    const rep = rules.reps.get(id)!;
    const { ownerId } = rep;
    const turn = turns.get(id) ?? newTurn();
    turns.set(id, turn);
    const limits = { hours: pool.hours === 'respect' && !withoutLimits, caps: !withoutLimits, absences: true };
    const away =
      weight === 0 ? 'has the weight 0' : (excluded.get(ownerId) ?? availabilityOf(world, { ownerId, rep, ...limits }));
    return { rep: id, ownerId, weight, priority, turn, away };
  });
}

/** Who would get the next lead of the pool; null where no member is there. */
export function nextOfPool(rules: CompiledRules, pool: Pool, world: World): { next: string | null; members: MemberState[] } {
  const members = memberStates(rules, pool, { excluded: new Map(), world, trace: [] });
  const there = members.filter(({ away }) => away === null);
  return { next: there.length > 0 ? peekTurn(there, creditorsOf(pool, members, there)).rep : null, members };
}

function chooseNow(rules: CompiledRules, pool: Pool, request: PoolRequest): Chosen | null {
  const { trace, withoutLimits = false } = request;
  const members = memberStates(rules, pool, request);
  const there = members.filter(({ away }) => away === null);
  const name = `pool ${pool.name}`;
  const away = awayText(members);
  if (there.length === 0) {
    const why = members.length === 0 ? 'the pool has no members' : `no member may take it: ${away}`;
    trace.push({ name, outcome: 'none-eligible', why });
    return null;
  }
  const chosen = give(request.world, pool, members, there);
  const because = withoutLimits ? `; hours and caps do not count for the last resort` : '';
  const others = away === '' ? '' : `; ${away}`;
  const why = `it is the turn of ${chosen.rep} (weight ${chosen.weight} of ${weightOf(there)})${because}${others}`;
  trace.push({ name, outcome: 'chosen', why });
  return { rep: chosen.rep, ownerId: chosen.ownerId, pool: pool.name };
}

/** `whenNone: next-working`: the lead waits in the list of the member whose working time begins first. */
function chooseLater(rules: CompiledRules, pool: Pool, request: PoolRequest): Chosen | null {
  if (pool.whenNone !== 'next-working') return null;
  const { world, trace } = request;
  const anyHours = memberStates(rules, { ...pool, hours: 'ignore' }, request).filter(({ away }) => away === null);
  const starts = anyHours.map((member) => ({ member, start: nextStart(rules.reps.get(member.rep)!, world) }));
  const first = Math.min(...starts.map(({ start }) => start));
  if (!Number.isFinite(first)) return null;
  const candidates = starts.filter(({ start }) => start === first).map(({ member }) => member);
  const chosen = give(world, pool, anyHours, candidates);
  const why = `${chosen.rep} is the first to work again, at ${new Date(first).toISOString()}`;
  trace.push({ name: `pool ${pool.name}`, outcome: 'chosen', why });
  return { rep: chosen.rep, ownerId: chosen.ownerId, pool: pool.name };
}

function nextStart(rep: CompiledRep, world: World): number {
  const absent = world.member(rep.ownerId)?.absent ?? [];
  return nextWorkingTime(world.at, rep.calendar(absent))?.getTime() ?? Infinity;
}

function give(world: World, pool: Pool, members: MemberState[], there: MemberState[]): MemberState {
  const creditors = creditorsOf(pool, members, there);
  const chosen = takeTurn(there, creditors, world.nextStamp()) as MemberState;
  world.given({ pool: pool.name, rep: chosen.rep, share: 1 / weightOf(creditors) });
  return chosen;
}

function creditorsOf(pool: Pool, members: MemberState[], there: MemberState[]): MemberState[] {
  return pool.calibrate ? there : members.filter(({ weight }) => weight > 0);
}

const weightOf = (members: MemberState[]) => members.reduce((sum, { weight }) => sum + weight, 0);

/** At most five members by name. */
function awayText(members: MemberState[]): string {
  const away = members.filter((member) => member.away !== null);
  const named = away.slice(0, 5).map(({ rep, away: why }) => `${rep} ${why}`);
  return away.length > named.length ? `${named.join(', ')} and ${away.length - named.length} more` : named.join(', ');
}
