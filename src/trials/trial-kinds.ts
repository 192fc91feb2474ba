export const TRIAL_KINDS = ['backtest', 'shadow', 'challenge'] as const;
export type TrialKind = (typeof TRIAL_KINDS)[number];

export const STRATA = ['band', 'outcome', 'campaign'] as const;
export type Stratum = (typeof STRATA)[number];
