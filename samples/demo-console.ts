interface Options {
  say(line: string): void;
  /** Keep a service that the demo started until the signal, so that its console can be opened. */
  wait: boolean;
  signal: AbortSignal;
  /** The status that an address answers; null where none comes. */
  statusOf?(address: string): Promise<number | null>;
}

/** The demo's last lines: where to see the leads in a browser. Nothing where the service has no console. */
export async function showConsole({ url, fresh }: { url: string; fresh: boolean }, options: Options): Promise<void> {
  const { say, wait, signal, statusOf = statusBy } = options;
  const address = `${url}/console`;
  // With OPS_TOKENS it redirects to the sign-in; with CONSOLE=off and on a worker it is not found.
  const status = await statusOf(address);
  if (status === null || status >= 400) return;
  if (fresh && !wait) {
    say('\nThis service ends with the demo. To see the leads in a browser, run `npm start`, then `npm run demo` again.');
    return;
  }
  say(`\nSee them in the console: ${address}`);
  if (!fresh) return;
  say('Press Ctrl-C to stop this service and remove its data.');
  await new Promise<void>((resolve) => {
    // A pending promise alone would not keep the process.
    const timer = setInterval(() => {}, 60_000);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      resolve();
    });
  });
}

async function statusBy(address: string): Promise<number | null> {
  const answer = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(5000) }).catch(() => null);
  return answer?.status ?? null;
}
