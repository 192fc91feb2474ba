import type { CrmDifference, CrmProvider } from '../crm/port.js';
import { AppError } from '../domain/app-error.js';
import type { CrmBackfillRepository } from '../ledger/crm-backfill.repository.js';

export interface CompareReport {
  persons: number;
  /** Persons whose record differs or is missing. */
  different: number;
  missing: number;
  /** By field. */
  fields: Record<string, number>;
  /** The first of them, with a lead id instead of the person's name. */
  examples: (Omit<CrmDifference, 'personKey'> & { leadId: string })[];
}

const PAGE = 200;
const EXAMPLES = 100;

/** Compares each person's record in the CRM with what the ledger says it should show. Changes nothing. */
export async function compare(
  ledger: CrmBackfillRepository,
  crm: CrmProvider,
  progress: (done: number) => void,
  signal: AbortSignal,
): Promise<CompareReport> {
  if (!crm.compare) throw new AppError('CONFIG_INVALID', `The CRM ${crm.name} cannot be compared.`);
  const report: CompareReport = { persons: 0, different: 0, missing: 0, fields: {}, examples: [] };
  let after = '';
  while (!signal.aborted) {
    const page = await ledger.syncedPersons(after, PAGE);
    if (page.length === 0) break;
    after = page.at(-1)!.lead.personKey;
    const leadIds = new Map(page.map(({ lead }) => [lead.personKey, lead.id]));
    const differences: CrmDifference[] = await crm.compare(page);
    report.different += new Set(differences.map(({ personKey }) => personKey)).size;
    for (const { personKey, ...difference } of differences) {
      const name = difference.field ?? '(no record)';
      report.fields[name] = (report.fields[name] ?? 0) + 1;
      if (difference.field === null) report.missing++;
      if (report.examples.length < EXAMPLES) report.examples.push({ leadId: leadIds.get(personKey)!, ...difference });
    }
    report.persons += page.length;
    progress(report.persons);
  }
  return report;
}
