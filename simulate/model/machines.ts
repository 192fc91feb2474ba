import { Host } from '../engine/host.js';
import { Process, type ProcessCost } from '../engine/process.js';
import type { Timeline } from '../engine/timeline.js';
import type { Scenario } from './scenario.js';

/** Where tasks run: each on its own cores, as on Fargate, or all on one machine, as in a measurement. */
export class Machines {
  readonly shared: Host | undefined;
  /** What sends the leads, on one thread. */
  readonly generator: Pick<Process, 'submit'>;

  constructor(
    private readonly timeline: Timeline,
    oneMachine: Scenario['oneMachine'],
    loadMsPerRequest: number,
  ) {
    this.shared = oneMachine && new Host(timeline, oneMachine.cores, oneMachine.competing);
    this.generator = this.besides({ perBatchMs: 0, perItemMs: loadMsPerRequest, idleMsPerSecond: 0 });
  }

  forTask(cores: number): Host {
    return this.shared ?? new Host(this.timeline, cores);
  }

  /** The stores' work for one process. It is cheaper per lead the more leads share it. */
  storesFor({ postgres, redis }: Record<'postgres' | 'redis', ProcessCost>): Pick<Process, 'submit'> {
    const both = (key: keyof ProcessCost) => postgres[key] + redis[key];
    return this.besides({
      perBatchMs: both('perBatchMs'),
      perItemMs: both('perItemMs'),
      idleMsPerSecond: both('idleMsPerSecond'),
    });
  }

  /** Other load takes CPU from the tasks only if they share a machine. */
  private besides(cost: ProcessCost): Pick<Process, 'submit'> {
    return this.shared ? new Process(this.timeline, this.shared, cost) : { submit: (_, done) => done() };
  }

  /** Work of a store for one batch, likewise. */
  alsoRuns(cpuMs: number, done: () => void): void {
    if (!this.shared) done();
    else if (cpuMs > 0) this.shared.run(cpuMs, done);
    else done();
  }
}
