import { Option, type Command } from 'commander';
import { LEAD_STATES } from '../domain/lead-state.js';
import { findLeads } from './find-ids.js';
import { journeyText, type Journey, type Summary } from './format-lead.js';
import { leadColumns } from './lead-columns.js';
import { watchLeads } from './leads-watch.js';
import { addImport } from './leads-import.command.js';
import { limitOption, refuseUnknownWords, type ListOptions } from './options.js';
import { pagesOf, readPositive, withQuery, type ItemPage } from './paging.js';
import { usageError } from './exit-codes.js';
import type { Session } from './session.js';

interface LeadFilterOptions {
  state?: string;
  campaign?: string;
}

/** `leads …` and the older `lead` and `import`. */
export function addLeadCommands(program: Command, session: Session): void {
  const leads = program.command('leads').description('list, find, import and follow leads');

  const list = leads
    .command('list', { isDefault: true })
    .description('list leads, newest first')
    .addOption(stateOption())
    .option('--campaign <id>', 'only leads of this campaign')
    .addOption(limitOption())
    .action((options: LeadFilterOptions & ListOptions) => listLeads(session, options));
  refuseUnknownWords(list);

  leads
    .command('get')
    .argument('<lead>', 'id, first characters of an id, or e-mail')
    .description('show a lead: its state, score and reasons, CRM record and timeline')
    .action((reference: string) => getLeads(session, reference));

  leads
    .command('search')
    .argument('<e-mail>', 'the address, in any case')
    .description('list the leads of a person')
    .addOption(stateOption())
    .option('--campaign <id>', 'only leads of this campaign')
    .addOption(limitOption())
    .action((email: string, options: LeadFilterOptions & ListOptions) => searchLeads(session, email, options));

  addImport(leads.command('import'), session);

  leads
    .command('watch')
    .description('follow new leads and changes of state among the 200 newest leads, until Ctrl-C')
    .addOption(stateOption())
    .option('--campaign <id>', 'only leads of this campaign')
    .addOption(new Option('--interval <seconds>', 'time between two requests, at least 1').argParser(readPositive).default(2))
    .action(({ interval, ...filter }: LeadFilterOptions & { interval: number }) =>
      watchLeads(session, filter, Math.max(1, interval) * 1000),
    );

  program
    .command('lead', { hidden: true })
    .argument('<lead>', 'id, first characters of an id, or e-mail')
    .description('older name of "leads get"')
    .action((reference: string) => getLeads(session, reference));
  addImport(program.command('import', { hidden: true }), session);
}

function stateOption(): Option {
  return new Option('--state <state>', 'only leads in this state').choices(LEAD_STATES);
}

async function listLeads({ client, output, times }: Session, { state, campaign, limit }: LeadFilterOptions & ListOptions) {
  const fetchPage = (size: number, cursor: string | null) =>
    client.get<ItemPage<Summary>>(withQuery('/ops/leads', { state, campaign_id: campaign, limit: size, cursor }));
  await output.list(pagesOf(fetchPage, limit), {
    columns: leadColumns(times),
    id: ({ id }) => id,
    empty: 'There are no such leads.',
    more: `The newest ${limit} leads are listed. For more, add --limit <n> or --limit all.`,
  });
}

async function searchLeads({ client, output, times }: Session, email: string, options: LeadFilterOptions & ListOptions) {
  if (!email.includes('@')) throw usageError(`"${email}" is not an e-mail. \`revenueflow leads list\` lists all leads.`);
  const { state, campaign, limit } = options;
  const filter = { email, ...(state ? { state } : {}), ...(campaign ? { campaign_id: campaign } : {}) };
  const fetchPage = (size: number, cursor: string | null) =>
    client.post<ItemPage<Summary>>('/ops/leads/search', { ...filter, limit: size, ...(cursor ? { cursor } : {}) });
  await output.list(pagesOf(fetchPage, limit), {
    columns: leadColumns(times),
    id: ({ id }) => id,
    empty: 'There is no lead with this e-mail.',
    more: `The newest ${limit} leads are listed. For more, add --limit <n> or --limit all.`,
  });
}

async function getLeads({ client, output, times }: Session, reference: string): Promise<void> {
  const ids = await findLeads(client, reference);
  const journeys = await Promise.all(ids.map((id) => client.get<Journey>(`/ops/leads/${encodeURIComponent(id)}`)));
  await output.document(journeys, () => journeys.map((journey) => journeyText(journey, times, output.width)).join('\n\n'));
}
