export const REPORT_GROUPS = ['owner', 'pool', 'campaign', 'band'] as const;
export type ReportGroup = (typeof REPORT_GROUPS)[number];
