import { Option, type Command } from 'commander';
import { findLeads, findOneLead } from './find-ids.js';
import { journeyText, type Journey, type Summary } from './format-lead.js';
import { leadColumns } from './lead-columns.js';
import { addLeadFilters, filtersOf, stateOption, type LeadFilterOptions } from './lead-filters.js';
import { watchLeads } from './leads-watch.js';
import { addImport } from './leads-import.command.js';
import { limitOption, refuseUnknownWords, type ListOptions } from './options.js';
import { pagesOf, readPositive, withQuery, type ItemPage } from './paging.js';
import { usageError } from './exit-codes.js';
import type { Session } from './session.js';

/** `leads …` and the older `lead` and `import`. */
export function addLeadCommands(program: Command, session: Session): void {
  const leads = program.command('leads').description('list, find, import and follow leads');

  const list = addLeadFilters(leads.command('list', { isDefault: true }).description('list leads, newest first'))
    .addOption(limitOption())
    .action((options: LeadFilterOptions & ListOptions) => listLeads(session, options));
  refuseUnknownWords(list);

  leads
    .command('get')
    .argument('<lead>', 'id, first characters of an id, or e-mail')
    .description('show a lead: its state, score and reasons, CRM record and timeline')
    .action((reference: string) => getLeads(session, reference));

  leads
    .command('rescore')
    .argument('<lead>', 'id, first characters of an id, or e-mail of one lead')
    .description('score a synced lead again, when the scorer has capacity to spare; the CRM gets the new score')
    .action(async (reference: string) => {
      const { client, output } = session;
      const id = await findOneLead(client, reference);
      const answer = await client.post(`/ops/leads/${id}/rescore`, {});
      await output.done(answer, () => `A new score is requested. Follow it with: revenueflow leads get ${id}`);
    });

  const search = leads.command('search').argument('<e-mail>', 'the address, in any case');
  addLeadFilters(search.description('list the leads of a person'))
    .addOption(limitOption())
    .action((email: string, options: LeadFilterOptions & ListOptions) => searchLeads(session, email, options));

  addImport(leads.command('import'), session);

  leads
    .command('watch')
    .description('follow new leads and changes of state among the 200 newest leads, until Ctrl-C')
    .addOption(stateOption())
    .option('--campaign <id>', 'only leads of this campaign')
    .addOption(new Option('--interval <seconds>', 'time between two requests, at least 1').argParser(readPositive).default(2))
    .action(({ interval, ...filter }: Pick<LeadFilterOptions, 'state' | 'campaign'> & { interval: number }) =>
      watchLeads(session, filter, Math.max(1, interval) * 1000),
    );

  program
    .command('lead', { hidden: true })
    .argument('<lead>', 'id, first characters of an id, or e-mail')
    .description('older name of "leads get"')
    .action((reference: string) => getLeads(session, reference));
  addImport(program.command('import', { hidden: true }), session);
}

async function listLeads({ client, output, times, isUtc }: Session, { limit, ...options }: LeadFilterOptions & ListOptions) {
  const filter = filtersOf(options, isUtc);
  const fetchPage = (size: number, cursor: string | null) =>
    client.get<ItemPage<Summary>>(withQuery('/ops/leads', { ...filter, limit: size, cursor }));
  await output.list(pagesOf(fetchPage, limit), {
    columns: leadColumns(times),
    id: ({ id }) => id,
    empty: 'There are no such leads.',
    more: moreLeads(limit, options),
  });
}

async function searchLeads({ client, output, times, isUtc }: Session, email: string, given: LeadFilterOptions & ListOptions) {
  if (!email.includes('@')) {
    throw usageError(`"${email}" is not an e-mail. \`revenueflow leads list --search\` looks for a name or a company.`);
  }
  const { limit, ...options } = given;
  const filter = { email, ...filtersOf(options, isUtc) };
  const fetchPage = (size: number, cursor: string | null) =>
    client.post<ItemPage<Summary>>('/ops/leads/search', { ...filter, limit: size, ...(cursor ? { cursor } : {}) });
  await output.list(pagesOf(fetchPage, limit), {
    columns: leadColumns(times),
    id: ({ id }) => id,
    empty: 'There is no such lead with this e-mail.',
    more: moreLeads(limit, options),
  });
}

function moreLeads(limit: number, { sort }: LeadFilterOptions): string {
  return `The ${sort ?? 'newest'} ${limit} leads are listed. For more, add --limit <n> or --limit all.`;
}

async function getLeads({ client, output, times }: Session, reference: string): Promise<void> {
  const ids = await findLeads(client, reference);
  const journeys = await Promise.all(ids.map((id) => client.get<Journey>(`/ops/leads/${encodeURIComponent(id)}`)));
  await output.document(journeys, () => journeys.map((journey) => journeyText(journey, times, output.width)).join('\n\n'));
}
