import { pino, type Logger as PinoLogger, type SerializedError } from 'pino';
import { AppError } from '../../domain/app-error.js';
import { currentTraceId } from './tracing.js';

export type Logger = PinoLogger;

/** JSON lines for machines; one readable line an event where a person looks at a terminal. */
export function createLogger(level: string, pretty = process.stdout.isTTY === true): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: withoutPersonalData },
    mixin: traceOf,
    ...(pretty
      ? { transport: { target: 'pino-pretty', options: { translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' } } }
      : {}),
  });
}

function traceOf(): { traceId?: string } {
  const traceId = currentTraceId();
  return traceId ? { traceId } : {};
}

/**
 * Foreign errors quote values: PostgreSQL the row, a JSON parser the text, an HTTP client the body. So of anything that is not
 * our own error only the name, the code and the places in the code are logged.
 */
export function withoutPersonalData(error: unknown): SerializedError | unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const own = error instanceof AppError;
  return {
    type: error.name,
    ...(typeof (error as { code?: unknown }).code === 'string' ? { code: (error as { code?: unknown }).code } : {}),
    ...(own ? { message: error.message } : {}),
    stack: framesOf(error),
    ...(error.cause === undefined ? {} : { cause: withoutPersonalData(error.cause) }),
  };
}

/** The stack without its first lines, which repeat the message. */
function framesOf(error: Error): string[] {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .slice(0, 8);
}
