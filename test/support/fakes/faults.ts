/** Faults of a model's API. Each fake expresses them in its own format. */
export type Fault =
  /** A good answer after a delay. */
  | { kind: 'slow'; ms: number }
  /** The answer is cut off in the middle. */
  | { kind: 'truncated' }
  /** The model's own refusal. */
  | { kind: 'refused' }
  /** Blocked before the model read it. */
  | { kind: 'blocked' }
  | { kind: 'rate-limited'; seconds?: number }
  | { kind: 'daily-quota' }
  | { kind: 'no-credit' }
  | { kind: 'wrong-key' }
  | { kind: 'model-gone' }
  | { kind: 'bad-request' }
  | { kind: 'server-error'; status: 500 | 502 | 503 | 529 }
  | { kind: 'model-timeout' }
  /** Accepts the request and never answers. */
  | { kind: 'hang' }
  /** Closes the connection before or during the answer. */
  | { kind: 'drop'; midway?: boolean }
  /** Well-formed, but not a score. */
  | { kind: 'nonsense' }
  | { kind: 'out-of-range' }
  | { kind: 'missing-fields' }
  /** 200 with a body that is not of the API. */
  | { kind: 'html' }
  /** 200 with this body. */
  | { kind: 'verbatim'; body: unknown }
  | { kind: 'empty-body' };

export type FaultKind = Fault['kind'];

/** One fault of each kind, for the contract suite. */
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
