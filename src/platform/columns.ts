/** Turns rows into one array a column, the shape that `unnest($1, $2, …)` takes. */
export function columns<T, K extends keyof T>(rows: readonly T[], names: readonly K[]): T[K][][] {
  return names.map((name) => rows.map((row) => row[name]));
}
