import { AppError } from '../../domain/app-error.js';
import type { LeadInput } from '../../domain/lead.js';
import type {
  CallClass,
  ComparedCall,
  MarketoCallsRepository,
  OpenCall,
  WebhookCall,
} from '../../ledger/marketo-calls.repository.js';
import { RECORDS_PER_CALL, type MarketoApi, type MarketoPerson } from '../client/marketo-api.js';
import type { FieldMap } from '../field-map.js';
import type { RepairOutcome } from './accept-repair.js';
import type { CampaignIds } from './campaign-ids.js';
import { leadOfPerson, templateFields, type LeadOfCall } from './lead-of-person.js';
import { matchCalls, TOLERANCE_MS } from './match-calls.js';

export interface CompareTools {
  api: Pick<MarketoApi, 'findPeople'>;
  calls: MarketoCallsRepository;
  fieldMap: FieldMap;
  /** Takes a lead in as the webhook's endpoint does; null where nothing may be taken in. */
  accept: ((input: LeadInput, call: WebhookCall) => Promise<RepairOutcome>) | null;
  /** Leads that may still be taken in. */
  room: { left: number };
}

interface Candidate {
  call: OpenCall;
  lead: LeadOfCall;
}

type Repaired = [kind: CallClass, reason: string | null];

const NEVER = new Date(0);
const UNKNOWN_CAMPAIGN =
  'Which campaign_id the webhook sends for this campaign is not known: name it in webhook.campaigns of MARKETO_FIELD_MAP.';
const LIMIT_REACHED = 'MARKETO_REPAIR_LIMIT was reached: the next run takes the lead in.';

/**
 * Compares calls of Marketo's log with the ledger and stores what each came to. A call without a commit of its own may
 * be a repeat, which leaves no trace: then the ledger has what the person's fields would make. Only what is neither is
 * missing.
 * @returns how many leads were taken in.
 */
export async function compareCalls(tools: CompareTools, open: OpenCall[], campaigns: CampaignIds, signal?: AbortSignal) {
  const { calls } = tools;
  if (open.length === 0) return 0;
  const [first, last] = [open[0]!.at.getTime(), open.at(-1)!.at.getTime()];
  const [from, to] = [new Date(first - TOLERANCE_MS), new Date(last + TOLERANCE_MS)];
  const acceptances = await calls.acceptances(from, to);
  const matches = matchCalls(open, acceptances, (id, sentAs) => campaigns.admits(id, sentAs));
  await calls.learnCampaigns(campaigns.learnFrom(matches.map(({ call, acceptance }) => [call, acceptance.campaignId])));
  const matched = new Set(matches.map(({ call }) => call.guid));
  await calls.record(matches.map(({ call, acceptance: { leadId, seq } }) => ({ ...arrived(call), leadId, seq })));

  const rest = open.filter(({ guid }) => !matched.has(guid));
  const [rejections, erased] = await Promise.all([
    calls.rejections(from, to),
    calls.erasures(rest.map(({ marketoId }) => marketoId)),
  ]);
  const refused = new Map(matchCalls(rest, rejections, () => true).map(({ call, acceptance }) => [call.guid, acceptance]));
  const compared: ComparedCall[] = [];
  const wanted: OpenCall[] = [];
  for (const call of rest) {
    const [erasedAt, rejection] = [erased.get(call.marketoId), refused.get(call.guid)];
    if (erasedAt && call.at < erasedAt) compared.push(of(call, 'erased'));
    else if (rejection) compared.push({ ...of(call, 'rejected', rejection.leadId), seq: rejection.seq });
    else if (call.campaignId === null) compared.push(of(call, 'missing', null, UNKNOWN_CAMPAIGN));
    else wanted.push(call);
  }
  await calls.record(compared);
  return compareContent(tools, wanted, campaigns, signal);
}

async function compareContent(tools: CompareTools, wanted: OpenCall[], campaigns: CampaignIds, signal?: AbortSignal) {
  const { calls, fieldMap } = tools;
  let repaired = 0;
  for (let from = 0; from < wanted.length; from += RECORDS_PER_CALL) {
    const page = wanted.slice(from, from + RECORDS_PER_CALL);
    const people = await peopleOf(tools, page, signal);
    const compared: ComparedCall[] = [];
    const candidates: Candidate[] = [];
    for (const call of page) {
      const person = people.get(call.marketoId);
      if (!person) {
        compared.push(
          of(
            call,
            'gone',
            null,
            'Marketo shows no such person: deleted, merged into another, or in a partition that the API user may not read.',
          ),
        );
        continue;
      }
      // To look for a lead of the campaign's own id is no guess; to make one may be.
      const campaignId = campaigns.of(call.campaignId) ?? String(call.campaignId);
      const lead = leadOfPerson(fieldMap, person, campaignId, call);
      if ('refusedFor' in lead) compared.push(of(call, 'unusable', null, lead.refusedFor));
      else candidates.push({ call, lead });
    }
    const erased = await calls.erasuresOf(candidates.map(({ lead }) => lead.personKey));
    const isErased = ({ call, lead }: Candidate) => call.at < (erased.get(lead.personKey) ?? NEVER);
    compared.push(...candidates.filter(isErased).map(({ call }) => of(call, 'erased')));
    const held = candidates.filter((one) => !isErased(one));
    const known = await calls.known(held.map(({ call: { marketoId }, lead: { id, input } }) => ({ ...input, id, marketoId })));
    const [there, absent] = [true, false].map((is) => held.filter(({ lead }) => known.has(lead.id) === is));
    await calls.learnCampaigns(campaigns.learnFrom(there!.map(({ call, lead }) => [call, lead.input.campaignId])));
    compared.push(...there!.map(({ call, lead }) => ({ ...arrived(call), leadId: known.get(lead.id)! })));
    const isCertain = ({ call, lead }: Candidate) => campaigns.of(call.campaignId) === lead.input.campaignId;
    const unknown = absent!.filter((one) => !isCertain(one));
    compared.push(...unknown.map(({ call }) => of(call, 'missing', null, UNKNOWN_CAMPAIGN)));
    const settled = await repair(tools, absent!.filter(isCertain));
    repaired += new Set(settled.filter((one) => one.class === 'repaired').map(({ leadId }) => leadId)).size;
    await calls.record([...compared, ...settled]);
  }
  return repaired;
}

/** A lead that several calls were to send is taken in once. */
async function repair({ accept, room }: CompareTools, missing: Candidate[]): Promise<ComparedCall[]> {
  if (!accept) return missing.map(({ call, lead }) => of(call, 'missing', lead.id));
  const outcomes = new Map<string, Repaired>();
  // Of several calls for a lead, the newest.
  const newest = [...new Map(missing.map((one) => [one.lead.id, one])).values()].slice(0, room.left);
  room.left -= newest.length;
  await Promise.all(newest.map(async (one) => outcomes.set(one.lead.id, await repaired(accept, one))));
  return missing.map(({ call, lead: { id } }) => {
    const [kind, reason] = outcomes.get(id) ?? ['missing', LIMIT_REACHED];
    return of(call, kind, kind === 'erased' || kind === 'unusable' ? null : id, reason);
  });
}

async function repaired(accept: NonNullable<CompareTools['accept']>, { call, lead }: Candidate): Promise<Repaired> {
  try {
    const outcome = await accept(lead.input, call);
    if (outcome === 'erased') return ['erased', null];
    return [outcome === 'duplicate' ? 'matched' : 'repaired', null];
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INVALID_LEAD') throw error;
    // The other calls of the window must not wait for this one.
    return ['unusable', error.message];
  }
}

async function peopleOf(
  { api, fieldMap }: CompareTools,
  page: OpenCall[],
  signal?: AbortSignal,
): Promise<Map<number, MarketoPerson>> {
  const ids = [...new Set(page.map(({ marketoId }) => marketoId))];
  const people = await api.findPeople(ids, templateFields(fieldMap), signal);
  return new Map(people.map((person) => [person.id, person]));
}

/** Marketo may have logged an error although the call arrived: then our answer was lost, or came too late. */
function arrived(call: WebhookCall): ComparedCall {
  return of(call, call.failed ? 'answer-lost' : 'matched');
}

function of(call: WebhookCall, kind: CallClass, leadId: string | null = null, reason: string | null = null): ComparedCall {
  return { guid: call.guid, class: kind, leadId, seq: null, reason };
}
