import { Command } from 'commander';
import type { ShownReceipt } from '../ops/privacy/privacy.controller.js';
import type { ServiceClient } from './http-client.js';
import { table } from './format-lead.js';

/** As JSON carries it. */
type Receipt = Omit<ShownReceipt, 'at' | 'doneAt' | 'crm'> & {
  at: string;
  doneAt: string | null;
  crm: { status: ShownReceipt['crm']['status']; asked?: boolean; until?: string; lastCode?: string | null };
};

/** `ops person …`: what is held about somebody, and its end. */
export function personCommands(client: () => ServiceClient, print: (document: unknown, text: () => string) => void): Command {
  const person = new Command('person').description('all that is held about a person: a copy of it, or its end');

  person
    .command('export')
    .argument('<e-mail>')
    .description('everything as one JSON document')
    .action(async (email: string) => {
      const held = await client().post('/ops/people/export', { email });
      print(held, () => JSON.stringify(held, null, 2));
    });

  person
    .command('erase')
    .argument('<e-mail>')
    .description('deletes the person everywhere, at once and for good; prints a receipt that names nobody')
    .action(async (email: string) => {
      const receipt = await client().post<Receipt>('/ops/people/erase', { email });
      print(receipt, () => receiptText(receipt));
    });

  person
    .command('receipt')
    .argument('<receipt>')
    .description('the receipt of an erasure once more: whether the CRM has been done')
    .action(async (id: string) => {
      const receipt = await client().get<Receipt>(`/ops/people/erasures/${encodeURIComponent(id)}`);
      print(receipt, () => receiptText(receipt));
    });

  return person;
}

function receiptText({ receipt, at, by, erased, crm }: Receipt): string {
  const rows = Object.entries(erased).map(([store, count]) => [store, count ?? 'not reached: they end by themselves']);
  const again = `npm run ops -- person receipt ${receipt}`;
  const then = {
    done: 'Done, in the CRM too.',
    'by-hand': 'Done here. This CRM has to be told by hand: search it for the address.',
    pending: crm.asked
      ? `Done, in the CRM too; it is asked once more at ${crm.until}, in case something was on its way: ${again}`
      : `Done here. The CRM has not answered yet${crm.lastCode ? ` (${crm.lastCode})` : ''}; it is asked until it does: ${again}`,
  };
  return [`Receipt ${receipt}, ${at}, by ${by}`, table(['erased', 'records'], rows), then[crm.status]].join('\n');
}
