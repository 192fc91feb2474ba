import { SingleBar } from 'cli-progress';

export interface Progress {
  step(): void;
  end(): void;
}

/** A bar on a terminal; elsewhere a line each ten, so that logs stay readable. */
export function progress(what: string, total: number, bars: boolean, say: (line: string) => void): Progress {
  if (bars) {
    const bar = new SingleBar({ format: `${what.padEnd(9)} {bar} {value}/{total}`, stream: process.stdout });
    bar.start(total, 0);
    return { step: () => bar.increment(), end: () => bar.stop() };
  }
  let done = 0;
  const step = () => {
    done += 1;
    if (done % 10 === 0 || done === total) say(`${what} ${done}/${total}`);
  };
  return { step, end: () => {} };
}
