import type { SalesforceFake } from './fakes/salesforce/index.js';

/** Below 1, from 0. */
export interface Chance {
  next(): number;
}

const EVERY_MS = 20;
/** Half of the changes are about Leads as new as these. */
const NEW_ONES = 100;

/**
 * People of an org who change owners of Leads, and a record of each owner of theirs that the API has changed. An owner
 * that a Lead had before is not chosen: no comparison tells it from one that the rules set.
 */
export class Humans {
  /** What the API did to an owner that a human chose: one sentence each. */
  readonly stolen: string[] = [];
  /** The newest owner that a human chose, by Lead. */
  readonly chosen = new Map<string, string>();
  changes = 0;
  /** Changes of owners by the API. */
  reassigned = 0;
  private readonly created: string[] = [];
  private readonly owners = new Map<string, Set<string>>();
  private timer: NodeJS.Timeout | undefined;

  /** @param candidates whom a human may choose for a Lead of this owner. */
  constructor(
    private readonly org: SalesforceFake,
    private readonly candidates: (owner: string) => readonly string[],
  ) {
    org.observeWrites((object, after, before) => {
      if (object === 'Lead') this.observe(after.Id, String(after['OwnerId']), before && String(before['OwnerId']));
    });
  }

  start(random: Chance): void {
    this.timer = setInterval(() => this.changeOne(random), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Gives any Lead another owner. */
  changeOne(random: Chance): void {
    const { length } = this.created;
    const among = random.next() < 0.5 ? Math.min(length, NEW_ONES) : length;
    const id = this.created[length - 1 - Math.floor(random.next() * among)];
    if (id !== undefined) this.takeOver(id, random);
  }

  /** Gives a Lead another owner, unless an API call holds its row. */
  takeOver(id: string, random: Chance): void {
    const lead = this.org.recordOf(id);
    if (!lead || lead['IsDeleted'] === true) return;
    const had = this.owners.get(id)!;
    const candidates = this.candidates(String(lead['OwnerId'])).filter((owner) => !had.has(owner));
    const owner = candidates[Math.floor(random.next() * candidates.length)];
    if (owner === undefined || !this.org.changeFreeRecord(id, { OwnerId: owner })) return;
    had.add(owner);
    this.chosen.set(id, owner);
    this.changes++;
  }

  private observe(id: string, owner: string, before: string | undefined): void {
    if (before === undefined) {
      this.created.push(id);
      this.owners.set(id, new Set([owner]));
      return;
    }
    if (owner === before) return;
    this.reassigned++;
    this.owners.get(id)?.add(owner);
    if (this.chosen.get(id) === before)
      this.stolen.push(`Lead ${id}: a human chose ${before}, and the API changed it to ${owner}`);
  }
}
