import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ProcessCost } from './engine/process.js';

export const CALIBRATION_FILE = join(import.meta.dirname, 'calibration.json');

const cost = z.object({ perBatchMs: z.number().min(0), perItemMs: z.number().min(0), idleMsPerSecond: z.number().min(0) });
const table = z.array(z.number().min(0)).min(2);

/** A worker's costs with one kind of scorer and CRM. */
const worker = z.object({
  /** CPU time of a lead through both stages. */
  cpu: cost,
  /** Time per stage beside CPU, model and CRM: queue hops, claims, commits. Quantiles in milliseconds. */
  hops: z.object({ enrichment: table, 'crm-sync': table }),
  /** CPU time at the stores. */
  postgres: cost,
  redis: cost,
});

export const calibrationSchema = z.object({
  _about: z.string(),
  machine: z.string(),
  measuredAt: z.string(),
  rounds: z.number(),
  /** Threads of others that competed for the cores meanwhile. */
  competing: z.number(),
  api: z.object({
    cpu: cost,
    /** What an ack waits for beside CPU and the commit: sockets, the client. Quantiles in milliseconds. */
    overhead: table,
    postgres: cost,
    redis: cost,
  }),
  /** CPU time of the reference work: the speed of the cores during the measurement. */
  yardstickMs: z.number().positive(),
  /** One commit, to the disk and back. */
  commitMs: z.number().min(0),
  /** CPU time of the load generator, a request. */
  loadMsPerRequest: z.number().min(0),
  /** With the heuristic and the mock CRM; with a model and Salesforce. */
  worker: z.object({ local: worker, remote: worker }),
});
export type Calibration = z.infer<typeof calibrationSchema>;
export type WorkerCalibration = z.infer<typeof worker>;

/** The same service on cores that need `factor` times as long. */
export function onCores(calibration: Calibration, factor: number): Calibration {
  const slower = ({ perBatchMs, perItemMs, idleMsPerSecond }: ProcessCost) => ({
    perBatchMs: perBatchMs * factor,
    perItemMs: perItemMs * factor,
    idleMsPerSecond: idleMsPerSecond * factor,
  });
  const all = <T extends Record<'cpu' | 'postgres' | 'redis', ProcessCost>>(part: T): T => ({
    ...part,
    cpu: slower(part.cpu),
    postgres: slower(part.postgres),
    redis: slower(part.redis),
  });
  const { api, worker: workers, loadMsPerRequest } = calibration;
  return {
    ...calibration,
    api: all(api),
    loadMsPerRequest: loadMsPerRequest * factor,
    worker: { local: all(workers.local), remote: all(workers.remote) },
  };
}

export function loadCalibration(file = CALIBRATION_FILE): Calibration {
  return calibrationSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}
