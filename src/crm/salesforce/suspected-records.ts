/** The two halves of a call, of which at most one may fail. */
interface Pair {
  isAnswered: boolean;
  /** The half that failed first. */
  failed: number[] | null;
}

/**
 * Finds the record for which a whole call ends in an unexpected answer. The halves of such a call are tried: where one
 * of them is answered, the other one is divided again, down to a single record. Where both fail, it is an outage.
 */
export class SuspectedRecords {
  /** Records that failed alone while their neighbours passed. */
  readonly found: number[] = [];
  private readonly pairs = new Map<number[], Pair>();

  get areSought(): boolean {
    return this.pairs.size > 0;
  }

  /** @returns the parts to try next. */
  failed(part: number[]): number[][] {
    const pair = this.pairs.get(part);
    if (!pair) return part.length > 1 ? this.divide(part) : [];
    if (pair.isAnswered) return this.narrow(part);
    pair.failed = part;
    return [];
  }

  /** The call of this part went through. @returns the parts to try next. */
  answered(part: number[]): number[][] {
    const pair = this.pairs.get(part);
    if (!pair) return [];
    pair.isAnswered = true;
    return pair.failed ? this.narrow(pair.failed) : [];
  }

  private narrow(part: number[]): number[][] {
    if (part.length > 1) return this.divide(part);
    this.found.push(...part);
    return [];
  }

  private divide(part: number[]): number[][] {
    const pair: Pair = { isAnswered: false, failed: null };
    const parts = halves(part);
    for (const half of parts) this.pairs.set(half, pair);
    return parts;
  }
}

export function halves(part: number[]): number[][] {
  const middle = Math.ceil(part.length / 2);
  return [part.slice(0, middle), part.slice(middle)];
}
