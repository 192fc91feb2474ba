export interface LimitSettings {
  /** Calls within `windowMs`, by all integrations of the instance. */
  calls: number;
  windowMs: number;
  concurrency: number;
  /** Calls of a day that begins at 00:00 in America/Chicago. */
  daily: number;
}

/** https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices */
export const MARKETO_LIMITS: LimitSettings = { calls: 100, windowMs: 20_000, concurrency: 10, daily: 50_000 };

const DAY = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Chicago' });

/** The limits of an instance: a true sliding window, true concurrency and a quota that ends with the day in Chicago. */
export class Limits {
  private recent: number[] = [];
  private inFlight = 0;
  private day = '';
  /** Calls that counted today. */
  used = 0;
  /** The most calls that were under way at once, and that came within one window. */
  highest = { inFlight: 0, inWindow: 0 };

  constructor(
    readonly settings: LimitSettings,
    private readonly now: () => number,
  ) {}

  /** @returns the code of the limit that the call meets, or null. */
  enter(): '606' | '607' | '615' | null {
    const now = this.now();
    const { calls, windowMs, concurrency, daily } = this.settings;
    this.recent = this.recent.filter((at) => at > now - windowMs);
    if (this.recent.length >= calls) return '606';
    if (this.inFlight > concurrency) return '615';
    const day = DAY.format(now);
    if (day !== this.day) [this.day, this.used] = [day, 0];
    if (this.used >= daily) return '607';
    this.used++;
    this.recent.push(now);
    this.highest.inWindow = Math.max(this.highest.inWindow, this.recent.length);
    return null;
  }

  /** While a request is under way, whatever becomes of it. */
  began(): void {
    this.inFlight++;
    this.highest.inFlight = Math.max(this.highest.inFlight, this.inFlight);
  }

  ended(): void {
    this.inFlight--;
  }

  get today(): string {
    return DAY.format(this.now());
  }
}
