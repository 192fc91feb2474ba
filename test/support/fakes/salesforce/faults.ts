/** Faults of Salesforce, or of the network to it. */
export type SalesforceFaultKind =
  | '500'
  | '503'
  /** Accepts the request, applies nothing and never answers. */
  | 'hang'
  /** The connection closes before the write. */
  | 'drop'
  /** The connection closes after the write, so the caller does not know its outcome. */
  | 'drop-after'
  /** Half of the call's records meet a lock, some of them inside a trigger. */
  | 'lock'
  | 'session'
  | 'concurrent-limit'
  /** A proxy answers 502 with a page. */
  | 'html'
  /** A page instead of JSON, with 200. */
  | 'maintenance'
  /** A redirect to a maintenance page. */
  | 'maintenance-redirect'
  /** 200 with an empty body, or with half of the answer. */
  | 'empty'
  | 'truncated'
  | 'slow';

export const ALL_SALESFORCE_FAULTS: readonly SalesforceFaultKind[] = [
  '500',
  '503',
  'hang',
  'drop',
  'drop-after',
  'lock',
  'session',
  'concurrent-limit',
  'html',
  'maintenance',
  'maintenance-redirect',
  'empty',
  'truncated',
  'slow',
];

export interface SalesforceFaults {
  /** The share of calls that meet one of `kinds`, 0 to 1. */
  rate?: number;
  kinds?: readonly SalesforceFaultKind[];
  /** The same seed draws the same faults. */
  seed?: number;
  slowMs?: number;
  /** For every request: `503` is answered, or `refuse` closes the connection at once. */
  down?: false | true | '503' | 'refuse';
}

/** mulberry32, a small generator with the same results on every platform. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Decides the fault of each call: first those planned by `next`, one each, then a random one. */
export class FaultPlan {
  private faults: SalesforceFaults = {};
  private random = seededRandom(1);
  private readonly planned: (SalesforceFaultKind | null)[] = [];
  /** The fault of each token request. */
  token: SalesforceFaultKind | null = null;

  set(faults: SalesforceFaults): void {
    this.faults = faults;
    this.random = seededRandom(faults.seed ?? 1);
  }

  next(...kinds: (SalesforceFaultKind | null)[]): void {
    this.planned.push(...kinds);
  }

  get down(): false | '503' | 'refuse' {
    return this.faults.down === true ? '503' : (this.faults.down ?? false);
  }

  get slowMs(): number {
    return this.faults.slowMs ?? 1000;
  }

  /** A token request meets only faults of a proxy or an outage. */
  draw(of: 'token' | 'api'): SalesforceFaultKind | null {
    const kinds = (this.faults.kinds ?? []).filter(
      (kind) => of === 'api' || !['lock', 'session', 'concurrent-limit', 'drop-after'].includes(kind),
    );
    if (of === 'token' && this.token) return this.token;
    if (of === 'api' && this.planned.length > 0) return this.planned.shift()!;
    if (kinds.length === 0 || this.random() >= (this.faults.rate ?? 0)) return null;
    return kinds[Math.floor(this.random() * kinds.length)]!;
  }

  /** For a call that meets locks: the fault of each record. */
  drawLock(): 'plain' | 'wrapped' | null {
    const drawn = this.random();
    return drawn < 0.25 ? 'plain' : drawn < 0.5 ? 'wrapped' : null;
  }
}
