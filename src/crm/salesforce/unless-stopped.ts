import { AppError } from '../../domain/app-error.js';

/** The worker stops; the lead belongs to its next run. */
export function stopped(signal: AbortSignal): AppError {
  return new AppError('WORKER_STOPPING', 'The worker stops before Salesforce has answered.', { cause: signal.reason });
}

/** @throws AppError WORKER_STOPPING once the signal is aborted; what the promise stands for goes on. */
export async function unlessStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw stopped(signal);
  let stop: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(stopped(signal));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, ended]);
  } finally {
    signal.removeEventListener('abort', stop!);
  }
}
