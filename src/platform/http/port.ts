import { createServer } from 'node:net';
import { AppError } from '../../domain/app-error.js';

/**
 * Fails where the port cannot be used. It is called first, so that a start that must fail starts no stores.
 * @throws AppError PORT_IN_USE or CONFIG_INVALID
 */
export async function requireFreePort(port: number, host: string): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, host, resolve);
    });
  } catch (error) {
    throw asListenError(error, port, host);
  }
  await new Promise((resolve) => probe.close(resolve));
}

/** Maps an error of `listen` to an AppError; other errors are returned unchanged. */
export function asListenError(error: unknown, port: number, host: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is in use. Stop what listens there, or start with another PORT.`;
    return new AppError('PORT_IN_USE', message, { cause: error });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES') {
    return new AppError('CONFIG_INVALID', `Configuration: HOST and PORT cannot be listened on (${code}).`, {
      cause: error,
    });
  }
  return error;
}
