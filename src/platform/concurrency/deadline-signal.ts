import { setMaxListeners } from 'node:events';

/**
 * A signal that aborts with a TimeoutError after `ms`, or with the reason of the first of `signals` that aborts. Not
 * `AbortSignal.any` with `AbortSignal.timeout`: Node 20 collects such a timeout as garbage, and it never fires.
 */
export function deadlineSignal(ms: number, ...signals: (AbortSignal | undefined)[]): AbortSignal {
  const controller = new AbortController();
  const parents = signals.filter((signal) => signal !== undefined);
  const abort = (reason: unknown): void => {
    clearTimeout(timer);
    for (const parent of parents) parent.removeEventListener('abort', abortAsParent);
    controller.abort(reason);
  };
  const abortAsParent = (): void => abort(parents.find(({ aborted }) => aborted)?.reason);
  const timer = setTimeout(() => abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms);
  timer.unref();
  for (const parent of parents) {
    setMaxListeners(0, parent); // one per call under way
    parent.addEventListener('abort', abortAsParent, { once: true });
  }
  if (parents.some(({ aborted }) => aborted)) abortAsParent();
  return controller.signal;
}
