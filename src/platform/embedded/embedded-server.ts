/** A store that this process has started under DATA_DIR and will stop again. */
export interface EmbeddedServer {
  url: string;
  pid: number;
  version: string;
  dataFolder: string;
  logFile: string;
  /** Resolves with the exit code when the server ends, for whatever reason. */
  exited: Promise<number | null>;
  /** An orderly stop, bounded in time; safe to call twice. */
  stop(): Promise<void>;
}
