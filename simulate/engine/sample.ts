/** Numbers of which percentiles are wanted; a million of them are kept as they are, eight bytes each. */
export class Sample {
  private values = new Float64Array(1024);
  private sorted = true;
  count = 0;
  private sum = 0;

  static of(values: readonly number[]): Sample {
    const sample = new Sample();
    for (const value of values) sample.add(value);
    return sample;
  }

  add(value: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.count * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.count++] = value;
    this.sum += value;
    this.sorted = false;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** With straight lines between neighbours, as PostgreSQL's percentile_cont; 0 where there is no number. */
  quantile(share: number): number {
    if (this.count === 0) return 0;
    const values = this.values.subarray(0, this.count);
    if (!this.sorted) values.sort();
    this.sorted = true;
    const place = share * (this.count - 1);
    const below = Math.floor(place);
    const low = values[below]!;
    const high = values[below + 1] ?? low;
    return low === high ? low : low + (high - low) * (place - below);
  }

  percentiles(): Percentiles {
    return { p50: this.quantile(0.5), p95: this.quantile(0.95), p99: this.quantile(0.99) };
  }

  /** Quantiles at `steps` even steps, both ends included: what Draw.quantiles draws from. */
  table(steps = 21): number[] {
    return Array.from({ length: steps }, (_, step) => this.quantile(step / (steps - 1)));
  }
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}
