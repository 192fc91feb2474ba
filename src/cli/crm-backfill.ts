import type { CrmProvider, CrmSync } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { CrmBackfillRepository, PendingLead } from '../ledger/crm-backfill.repository.js';

export interface BackfillReport {
  /** Leads looked at. */
  leads: number;
  /** Written, or in a dry run those that would be. */
  written: number;
  /** In a dry run: what would happen to each. */
  acts: Record<string, number>;
  /** The first of those that the CRM refuses. */
  refused: { leadId: string; reason: string }[];
  refusedCount: number;
}

export interface BackfillOptions {
  ledger: CrmBackfillRepository;
  crm: CrmProvider;
  /** What is missing: the lead's record in the CRM, or only its membership. */
  missing: 'record' | 'membership';
  /** Only find out what would be done. */
  dryRun: boolean;
  /** Leads in flight; the calls keep to CRM_RATE_LIMIT_PER_SECOND together with the workers. */
  concurrency: number;
  progress(done: number): void;
  signal: AbortSignal;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const REFUSED_KEPT = 1000;

/**
 * Writes to a CRM what it has not, as far as the ledger knows: every synced lead that went to another one. Each is
 * noted in the ledger when it is there, so an interrupted run continues where it stopped, and two at once do no harm.
 * @throws AppError where the CRM itself is at fault (outage, limit, configuration): run it again when that is
 * corrected.
 */
export async function backfill(options: BackfillOptions): Promise<BackfillReport> {
  const { ledger, crm, missing, dryRun, concurrency, progress, signal } = options;
  const report: BackfillReport = { leads: 0, written: 0, acts: {}, refused: [], refusedCount: 0 };
  let after = NIL_UUID;
  while (!signal.aborted) {
    const page = await (missing === 'record'
      ? ledger.pendingIn(crm.name, after, concurrency)
      : ledger.withoutMember(crm.name, after, concurrency));
    if (page.length === 0) break;
    after = page.at(-1)!.id;
    const failures = await Promise.all(
      page.map(async (lead) => {
        try {
          if (dryRun) await look(options, lead, report);
          else await write(options, lead, report);
          return null;
        } catch (cause) {
          // What became of an interrupted call is not known: the next run looks at this lead again.
          if (signal.aborted) return null;
          return refusal(lead, AppError.from(cause), report);
        } finally {
          report.leads++;
          progress(report.leads);
        }
      }),
    );
    const stop = failures.find((failure) => failure !== null);
    if (stop) throw stop;
  }
  return report;
}

async function write(
  { ledger, crm, missing, signal }: BackfillOptions,
  lead: PendingLead,
  report: BackfillReport,
): Promise<void> {
  const reference = await crm.sync(syncOf(lead), signal);
  if (missing === 'membership' && reference.memberId === null) {
    const [exchange] = reference.exchanges ?? [];
    return keep(report, lead, exchange?.notes?.join(' ') ?? `Campaign ${lead.campaignId} is unknown to the CRM.`);
  }
  await (missing === 'record' ? ledger.recordBackfill(lead, reference) : ledger.recordMember(lead, reference));
  report.written++;
}

async function look({ crm, missing }: BackfillOptions, lead: PendingLead, report: BackfillReport): Promise<void> {
  const finding = crm.validate ? await crm.validate(syncOf(lead)) : { act: 'write', campaignKnown: true, problems: [] };
  report.acts[finding.act] = (report.acts[finding.act] ?? 0) + 1;
  const unknown =
    missing === 'membership' && !finding.campaignKnown ? [`Campaign ${lead.campaignId} is unknown to the CRM.`] : [];
  const problems = [...finding.problems, ...unknown];
  if (problems.length === 0) report.written++;
  else keep(report, lead, problems.join('; '));
}

/** One record's fault is noted, and the others go on; a fault of the CRM ends the run. */
function refusal(lead: PendingLead, error: AppError, report: BackfillReport): AppError | null {
  if (error.class !== 'permanent' && error.class !== 'transient') return error;
  keep(report, lead, `${error.message}${error.answer ? ` ${error.answer}` : ''}`);
  return null;
}

function keep(report: BackfillReport, lead: PendingLead, reason: string): void {
  report.refusedCount++;
  if (report.refused.length < REFUSED_KEPT) report.refused.push({ leadId: lead.id, reason });
}

function syncOf({ personKey, projection, campaignId, receivedAt }: PendingLead): CrmSync {
  return { personKey, projection, campaignId, respondedAt: receivedAt.toISOString() };
}
