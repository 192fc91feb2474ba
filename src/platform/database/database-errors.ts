import { AppError } from '../../domain/app-error.js';

/** Class 22: a value that PostgreSQL cannot store. 54000 and 54001: a value too large or too deeply nested for it. */
const VALUE_ERROR = /^(?:22...|5400[01])$/;
/** Class 42: the statement is wrong, and every retry by this version fails. 42501 is excluded: see UNAVAILABLE. */
const STATEMENT_ERROR = /^42(?!501)/;
/**
 * PostgreSQL is unavailable, or an operator prevents its answers, and a retry can succeed: 08 connection, 28
 * authorisation, 3D no such database, 40 rollback (deadlock, serialisation), 53 resources, 57 operator intervention and
 * timeouts, 58 system error, 25006 read-only server (a standby), 25P03 idle timeout, 42501 privilege revoked, 55006 and
 * 55P03 locks, XX001 and XX002 storage. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE = /^(?:(?:08|28|3D|40|53|57|58)...|25006|25P03|42501|55006|55P03|XX00[12])$/;
/**
 * The driver reports a lost connection, a timeout or a closed pool as a plain Error; only the message identifies it.
 */
const DRIVER_UNAVAILABLE = new RegExp(
  '^(?:Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|Received unexpected|SASL: ' +
    '|Client has encountered a connection error|Client was closed|Cannot use a pool after|The server does not support SSL' +
    '|There was an error establishing an SSL)',
);
/**
 * Error codes of Node.js: operating system (ECONNRESET), name resolution (EAI_AGAIN), TLS (CERT_HAS_EXPIRED,
 * ERR_TLS_…).
 */
const CONNECTION_CODE = /^(?:E(?!RR_)[A-Z0-9_]+|CERT_.+|ERR_(?:TLS|SSL)_.+|DEPTH_ZERO_.+|SELF_SIGNED_.+|UNABLE_TO_.+)$/;

/** The SQLSTATE of a PostgreSQL error; undefined where PostgreSQL did not answer. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity !== undefined ? code : undefined;
}

/** PostgreSQL refuses the statement itself, so neither another value nor a retry can succeed. */
export function isStatementError(error: unknown): boolean {
  return STATEMENT_ERROR.test(sqlState(error instanceof AppError ? error.cause : error) ?? '');
}

/**
 * Maps a query's error to an AppError: LEDGER_UNAVAILABLE for an outage, INVALID_LEAD for a value that cannot be
 * stored, UNEXPECTED for everything else. Only errors that end without a change of code or data count as an outage,
 * because callers retry an outage without limit. PostgreSQL's messages can quote values, so they stay in the cause.
 */
export function toAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const state = sqlState(cause);
  if (state === undefined) {
    if (!isConnectionError(cause)) return AppError.from(cause);
    return new AppError('LEDGER_UNAVAILABLE', 'PostgreSQL did not confirm (no answer).', { cause });
  }
  if (VALUE_ERROR.test(state)) {
    return new AppError('INVALID_LEAD', 'PostgreSQL cannot store a value of this lead; the lead was not stored.', { cause });
  }
  if (UNAVAILABLE.test(state)) return new AppError('LEDGER_UNAVAILABLE', `PostgreSQL did not confirm (${state}).`, { cause });
  return new AppError('UNEXPECTED', `PostgreSQL refuses a statement of this service (${state}).`, { cause });
}

/**
 * Whether one item of a batch may have caused the error, so that the others succeed without it. An outage and a wrong
 * statement affect every item.
 */
export function mayBeCausedByOneItem(error: unknown): boolean {
  if (!(error instanceof AppError)) return true;
  return error.code === 'INVALID_LEAD' || (error.code === 'UNEXPECTED' && !isStatementError(error));
}

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall !== undefined || DRIVER_UNAVAILABLE.test(error.message) || CONNECTION_CODE.test(code ?? '');
}
