/**
 * What an UPDATE of many leads joins, in SQL: `arrays` unnested as `columns`, the first of them `id`, and each lead locked in the order of the ids.
 * So does a batch of webhooks: no two statements wait for each other in a circle, which would cost both a second and one of them its work.
 * Those that take what they find and pass over what is locked (SKIP LOCKED) wait for nobody and need no order.
 * An UPDATE alone locks in whatever order its plan has; for a small table, that of the disk.
 */
export const lockInIdOrder = (arrays: string, columns: string) => `(
  SELECT given.* FROM unnest(${arrays}) AS given (${columns})
  JOIN ledger.leads held ON held.id = given.id
  ORDER BY given.id FOR NO KEY UPDATE OF held
)`;
