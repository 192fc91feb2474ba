import type { Readable, Writable } from 'node:stream';

interface TerminalSize {
  isTTY?: boolean;
  columns?: number;
}

/** What a run of the CLI reads and writes. `process` is one; a test passes its own streams and environment. */
export interface CliIo {
  env: Record<string, string | undefined>;
  stdin: Readable & TerminalSize;
  stdout: Writable & TerminalSize;
  stderr: Writable & TerminalSize;
}
