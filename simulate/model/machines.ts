import { Host } from '../engine/host.js';
import type { Timeline } from '../engine/timeline.js';
import type { Scenario } from './scenario.js';

/** Where things run: each task on cores of its own, as on Fargate, or all on one machine, as in a measurement. */
export class Machines {
  readonly shared: Host | undefined;

  constructor(
    private readonly timeline: Timeline,
    oneMachine: Scenario['oneMachine'],
  ) {
    this.shared = oneMachine && new Host(timeline, oneMachine.cores, oneMachine.competing);
  }

  forTask(cores: number): Host {
    return this.shared ?? new Host(this.timeline, cores);
  }

  /** Work of the stores and of the load generator: it takes CPU from the others only where they share a machine. */
  alsoRuns(cpuMs: number, done: () => void): void {
    if (!this.shared) done();
    else if (cpuMs > 0) this.shared.run(cpuMs, done);
    else done();
  }
}
