import type { Timeline } from './timeline.js';

interface Task {
  left: number;
  done(): void;
}

/**
 * The cores of one machine, shared evenly by the tasks that run there; a task uses at most one core. Half a core makes
 * everything take twice as long.
 */
export class Host {
  private readonly tasks = new Set<Task>();
  private since = 0;
  private plan = 0;
  /** CPU time that was used, in milliseconds of one core. */
  used = 0;

  constructor(
    private readonly timeline: Timeline,
    readonly cores: number,
    /** Threads of others that never rest: they take their even part. */
    private readonly others = 0,
  ) {}

  run(cpuMs: number, done: () => void): void {
    this.advance();
    this.tasks.add({ left: cpuMs, done });
    this.schedule();
  }

  private get speed(): number {
    return Math.min(1, this.cores / (this.tasks.size + this.others));
  }

  private advance(): void {
    const passed = this.timeline.now - this.since;
    this.since = this.timeline.now;
    if (passed <= 0 || this.tasks.size === 0) return;
    const each = passed * this.speed;
    this.used += each * this.tasks.size;
    for (const task of this.tasks) task.left -= each;
  }

  private schedule(): void {
    const plan = ++this.plan;
    let least = Infinity;
    for (const task of this.tasks) if (task.left < least) least = task.left;
    if (least === Infinity) return;
    this.timeline.after(Math.max(0, least) / this.speed, () => {
      if (plan === this.plan) this.finish();
    });
  }

  private finish(): void {
    this.advance();
    // What is left of rounding is nothing that a clock could show.
    const ended = [...this.tasks].filter((task) => task.left < 1e-6);
    for (const task of ended) this.tasks.delete(task);
    this.schedule();
    for (const task of ended) task.done();
  }
}
