import type { Command } from 'commander';
import type { ShownReceipt } from '../ops/privacy/privacy.controller.js';
import { pairsTable } from './format-table.js';
import type { Times } from './format-time.js';
import { group, yesOption } from './options.js';
import type { Session } from './session.js';

/** As JSON carries it. */
type Receipt = Omit<ShownReceipt, 'at' | 'doneAt' | 'crm'> & {
  at: string;
  doneAt: string | null;
  crm: { status: ShownReceipt['crm']['status']; asked?: boolean; until?: string; lastCode?: string | null };
};

/** `people …`, and the older `person …`, which asks for no confirmation where there is no terminal. */
export function addPeopleCommands(program: Command, session: Session): void {
  addTo(group(program.command('people').description("export or erase a person's data")), session, false);
  addTo(group(program.command('person', { hidden: true }).description('older name of "people"')), session, true);
}

function addTo(people: Command, session: Session, isOldName: boolean): void {
  people
    .command('export')
    .argument('<e-mail>')
    .description('print everything that is stored about a person, as one JSON document')
    .action(async (email: string) => {
      const { client, output } = session;
      const held = await client.post('/ops/people/export', { email });
      await output.document(held, () => JSON.stringify(held, null, 2));
    });

  people
    .command('erase')
    .argument('<e-mail>')
    .addOption(yesOption())
    .option('--dry-run', 'count what is stored about the person, and delete nothing')
    .description("delete a person's data everywhere; prints a receipt without personal data")
    .action(async (email: string, { yes = false, dryRun }: { yes?: boolean; dryRun?: true }) => {
      const { client, output, times } = session;
      if (dryRun) {
        const counts = countsIn(await client.post<Record<string, unknown>>('/ops/people/export', { email }));
        return output.document({ dryRun: true, wouldErase: counts }, () => wouldEraseText(counts, output.width));
      }
      await session.confirm({ question: `Erase all data about ${email}? This cannot be undone.`, yes, isOldName });
      const receipt = await client.post<Receipt>('/ops/people/erase', { email });
      await output.done(receipt, () => receiptText(receipt, times, output.width));
    });

  people
    .command('receipt')
    .argument('<receipt>', 'the id that "people erase" printed')
    .description('show the receipt of an erasure again, and whether the CRM has completed it')
    .action(async (id: string) => {
      const { client, output, times } = session;
      const receipt = await client.get<Receipt>(`/ops/people/erasures/${encodeURIComponent(id)}`);
      await output.document(receipt, () => receiptText(receipt, times, output.width));
    });
}

function countsIn(held: Record<string, unknown>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(held).flatMap(([store, records]) => (Array.isArray(records) ? [[store, records.length] as const] : [])),
  );
}

function wouldEraseText(counts: Record<string, number>, width: number): string {
  return ['Nothing was erased. Stored here:', pairsTable(['store', 'records'], Object.entries(counts), width)].join('\n');
}

function receiptText({ receipt, at, by, erased, crm }: Receipt, times: Times, width: number): string {
  const rows = Object.entries(erased).map(([store, count]): [string, string | number] => [
    store,
    count ?? 'not reached: they expire by themselves',
  ]);
  const again = `revenueflow people receipt ${receipt}`;
  const then = {
    done: 'Done, in the CRM too.',
    'by-hand': 'Done here. Delete the person from this CRM by hand: search it for the address.',
    pending: crm.asked
      ? `Done, in the CRM too. A last check at ${times.full(crm.until ?? at)} covers writes in flight: ${again}`
      : `Done here. The CRM has not confirmed yet${crm.lastCode ? ` (${crm.lastCode})` : ''}. The service retries until it does: ${again}`,
  };
  return [
    `Receipt ${receipt}, ${times.full(at)}, by ${by}`,
    pairsTable(['erased', 'records'], rows, width),
    then[crm.status],
  ].join('\n');
}
