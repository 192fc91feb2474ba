import type { IntakeNote } from '../domain/lead.js';

const MAX_NOTES = 20;

/** What was noticed while a lead was read; bounded, since a template that is wrong is wrong in every field. */
export class IntakeNotes {
  private readonly notes: IntakeNote[];
  private left = 0;

  constructor(earlier: IntakeNote[] = []) {
    this.notes = earlier.slice(0, MAX_NOTES);
  }

  add(kind: IntakeNote['kind'], path: string, message: string): void {
    if (this.notes.length < MAX_NOTES) this.notes.push({ kind, path: path.slice(0, 200), message });
    else this.left++;
  }

  /** @returns undefined where there is nothing to note. */
  list(): IntakeNote[] | undefined {
    if (this.notes.length === 0) return undefined;
    if (this.left === 0) return this.notes;
    return [...this.notes, { kind: this.notes.at(-1)!.kind, path: '', message: `and ${this.left} more` }];
  }
}
