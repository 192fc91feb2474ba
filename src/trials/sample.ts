import type { Candidate } from '../ledger/scored-leads.repository.js';

/** A candidate with the group that it stands for. */
export interface GroupedCandidate extends Candidate {
  group: string;
}

interface Ranked {
  candidate: GroupedCandidate;
  rank: number;
}

/**
 * A random sample of a stream: of each group the candidates with the lowest rank. The rank is a hash, so the same
 * stream gives the same sample however often it is read. Memory: at most twice the sample, and two more candidates for
 * each group.
 */
export class Sample {
  private readonly groups = new Map<string, Ranked[]>();
  private held = 0;

  constructor(
    private readonly size: number,
    private readonly seed: number,
  ) {}

  add(candidate: GroupedCandidate): void {
    const group = this.groups.get(candidate.group) ?? [];
    this.groups.set(candidate.group, group);
    group.push({ candidate, rank: rankOf(candidate.id, this.seed) });
    // What `trim` leaves is at most half of that, so it runs seldom.
    if (++this.held >= 2 * (this.size + this.groups.size)) this.trim();
  }

  /** Candidates in memory. */
  get inMemory(): number {
    return this.held;
  }

  /** The sample, spread evenly over the groups; what a small group lacks is shared by the larger ones. */
  take(): GroupedCandidate[] {
    this.trim();
    const groups = [...this.groups]
      .toSorted(([a, first], [b, second]) => first.length - second.length || (a < b ? -1 : 1))
      .map(([, group]) => group);
    const chosen: Ranked[] = [];
    for (const [index, group] of groups.entries()) {
      const quota = Math.ceil((this.size - chosen.length) / (groups.length - index));
      keepLowest(group, quota);
      chosen.push(...group);
    }
    return chosen.map(({ candidate }) => candidate);
  }

  /** Removes what no sample can have: the share of a group only falls as others grow. */
  private trim(): void {
    const lengths = [...this.groups.values()].map(({ length }) => length).toSorted((a, b) => a - b);
    let left = this.size;
    const index = lengths.findIndex((length, at) => {
      if (length > left / (lengths.length - at)) return true;
      left -= length;
      return false;
    });
    if (index < 0) return;
    const most = Math.ceil(left / (lengths.length - index));
    this.held = 0;
    for (const group of this.groups.values()) {
      keepLowest(group, most);
      this.held += group.length;
    }
  }
}

function keepLowest(group: Ranked[], size: number): void {
  group.sort((a, b) => a.rank - b.rank || (a.candidate.id < b.candidate.id ? -1 : 1)).splice(size);
}

/** FNV-1a, then a finalizer, since ids that differ in one digit must not have ranks in a row. */
export function rankOf(id: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
