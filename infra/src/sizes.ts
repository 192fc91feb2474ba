/** The resources of a stage. docs/sizing.md has the cost and the measurements behind these values. */
export interface Size {
  api: { cpu: number; memoryMiB: number; min: number; max: number };
  worker: { cpu: number; memoryMiB: number; min: number; max: number };
  database: {
    instance: string;
    storageGb: number;
    maxStorageGb: number;
    maxConnections: number;
    multiAz: boolean;
    backupDays: number;
  };
  cache: { node: string; replicas: number; snapshotDays: number };
  natGateways: number;
  logDays: number;
  /** Stores are protected: not deleted with the stack, termination protection on. */
  keep: boolean;
  /** Lead text goes to Bedrock inside the VPC. */
  bedrockEndpoint: boolean;
}

export const SIZES = {
  dev: {
    api: { cpu: 256, memoryMiB: 1024, min: 1, max: 2 },
    worker: { cpu: 256, memoryMiB: 1024, min: 1, max: 2 },
    database: { instance: 't4g.small', storageGb: 20, maxStorageGb: 50, maxConnections: 220, multiAz: false, backupDays: 1 },
    cache: { node: 'cache.t4g.micro', replicas: 0, snapshotDays: 0 },
    natGateways: 1,
    logDays: 14,
    keep: false,
    bedrockEndpoint: false,
  },
  prod: {
    api: { cpu: 512, memoryMiB: 1024, min: 2, max: 6 },
    worker: { cpu: 1024, memoryMiB: 2048, min: 2, max: 12 },
    database: { instance: 'm7g.large', storageGb: 100, maxStorageGb: 1000, maxConnections: 880, multiAz: true, backupDays: 14 },
    cache: { node: 'cache.m7g.large', replicas: 1, snapshotDays: 3 },
    natGateways: 2,
    logDays: 90,
    keep: true,
    bedrockEndpoint: true,
  },
} satisfies Record<string, Size>;

export type StageName = keyof typeof SIZES;

/**
 * The most PostgreSQL connections of one process: 7 of the stages, 2 for acknowledgements, 7 for control and 3 for
 * reports (src/bootstrap.ts), 3 of the mock CRM, and one for the schema migration at the start.
 */
export const CONNECTIONS_PER_PROCESS = 23;
