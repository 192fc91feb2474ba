/** What a model's API may do instead of answering well. Each fake says it in its own words. */
export type Fault =
  /** Answers well, later. */
  | { kind: 'slow'; ms: number }
  /** Cut off in the middle of the answer. */
  | { kind: 'truncated' }
  /** The model's own refusal. */
  | { kind: 'refused' }
  /** Blocked before the model saw it. */
  | { kind: 'blocked' }
  | { kind: 'rate-limited'; seconds?: number }
  | { kind: 'daily-quota' }
  | { kind: 'no-credit' }
  | { kind: 'wrong-key' }
  | { kind: 'model-gone' }
  | { kind: 'bad-request' }
  | { kind: 'server-error'; status: 500 | 502 | 503 | 529 }
  | { kind: 'model-timeout' }
  /** Takes the request and never answers. */
  | { kind: 'hang' }
  /** Closes the connection, before the answer or in the middle of it. */
  | { kind: 'drop'; midway?: boolean }
  /** Well-formed, and not a score. */
  | { kind: 'nonsense' }
  | { kind: 'out-of-range' }
  | { kind: 'missing-fields' }
  /** 200 with something that is not the API at all. */
  | { kind: 'html' }
  | { kind: 'empty-body' };

export type FaultKind = Fault['kind'];

/** Every kind once, as the contract suite walks them. */
export const ALL_FAULTS: readonly Fault[] = [
  { kind: 'truncated' },
  { kind: 'refused' },
  { kind: 'blocked' },
  { kind: 'rate-limited', seconds: 2 },
  { kind: 'daily-quota' },
  { kind: 'no-credit' },
  { kind: 'wrong-key' },
  { kind: 'model-gone' },
  { kind: 'bad-request' },
  { kind: 'server-error', status: 500 },
  { kind: 'server-error', status: 503 },
  { kind: 'server-error', status: 529 },
  { kind: 'model-timeout' },
  { kind: 'hang' },
  { kind: 'drop' },
  { kind: 'drop', midway: true },
  { kind: 'nonsense' },
  { kind: 'out-of-range' },
  { kind: 'missing-fields' },
  { kind: 'html' },
  { kind: 'empty-body' },
];
