import { pino, type Logger as PinoLogger, type SerializedError } from 'pino';
import { AppError } from '../../domain/app-error.js';
import { currentTraceId } from './tracing.js';

export type Logger = PinoLogger;

/**
 * One line per event in a terminal. pino-pretty prints the keys that it knows to hold errors over several lines,
 * among them the logger's `errorKey`. So no key is named for it, and `errorKey` is one that this service does not
 * use.
 */
export const PRETTY = { singleLine: true, errorLikeObjectKeys: [], translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' };
export const PRETTY_ERROR_KEY = 'error';

/** JSON lines for machines; one readable line per event in a terminal. */
export function createLogger(level: string, pretty = process.stdout.isTTY === true): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: withoutPersonalData, [PRETTY_ERROR_KEY]: withoutPersonalData },
    mixin: traceOf,
    ...(pretty ? { errorKey: PRETTY_ERROR_KEY, transport: { target: 'pino-pretty', options: PRETTY } } : {}),
  });
}

function traceOf(): { traceId?: string } {
  const traceId = currentTraceId();
  return traceId ? { traceId } : {};
}

/**
 * Foreign errors quote values: PostgreSQL the row, a JSON parser the text, an HTTP client the body. So of errors that
 * are not AppErrors only the name, the code and the stack's code locations are logged.
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
