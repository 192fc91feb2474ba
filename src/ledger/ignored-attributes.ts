/**
 * CONTENT_IGNORE: exact names (`timestamp`, `lead.updatedAt`) and patterns, where `*` matches any characters (`utm_*`).
 */
export class IgnoredAttributes {
  private readonly names: string[];
  private readonly patterns: RegExp[];

  constructor(ignored: string[]) {
    this.names = ignored.filter((name) => !name.includes('*'));
    this.patterns = ignored.filter((name) => name.includes('*')).map(patternOf);
  }

  has(name: string): boolean {
    return this.names.includes(name) || this.matches(name);
  }

  /**
   * The ignored names among these leads' attributes, for the statement that compares the leads with their rows. Names
   * that only a row has cannot differ in the comparison, so they are not needed.
   */
  namesIn(leads: { attributes: Record<string, string> }[]): string[] {
    if (this.patterns.length === 0) return this.names;
    const names = new Set(this.names);
    for (const { attributes } of leads) for (const name of Object.keys(attributes)) if (this.matches(name)) names.add(name);
    return [...names];
  }

  private matches(name: string): boolean {
    return this.patterns.some((pattern) => pattern.test(name));
  }
}

function patternOf(pattern: string): RegExp {
  const parts = pattern.split(/\*+/).map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
