/** Stops the processes where they are. One that has ended by now needs neither this nor the thaw. @returns what thaws them. */
export function freeze(pids: number[]): () => void {
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // It has ended.
      }
    }
  };
  signal('SIGSTOP');
  return () => signal('SIGCONT');
}
