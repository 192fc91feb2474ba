import type { Evidence } from '../../domain/enrichment.js';

export const CHANNELS = ['slack', 'webhook'] as const;
/** Where notices go. */
export type Channel = (typeof CHANNELS)[number];

/** What changed: the lead was assigned, its clock runs out, its clock has run out, or it went to another owner. */
export const NOTICE_KINDS = ['assigned', 'reminder', 'manager', 'passed-on'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** A notice with what it shows of the lead. All text of the lead is from outside. */
export interface Notice {
  id: string;
  kind: NoticeKind;
  recipientId: string;
  assignmentId: string;
  leadId: string;
  ownerId: string;
  pool: string | null;
  band: string | null;
  campaignId: string;
  company: string | null;
  fitScore: number | null;
  intent: string | null;
  evidence: Evidence[];
  crmLeadId: string | null;
  startedAt: Date;
  dueAt: Date;
  slaMinutes: number;
  /** Whether the clock has ended: then nothing can be done with it. */
  ended: boolean;
}
