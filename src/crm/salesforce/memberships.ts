import { AppError } from '../../domain/app-error.js';
import type { CrmExchange } from '../../domain/lead.js';
import type { Clock } from '../../platform/clock.js';
import { ExpiringCache } from '../../platform/expiring-cache.js';
import type { CrmSync } from '../port.js';
import { NO_SUCH_KEY, type Campaigns } from './campaigns.js';
import { memberFieldsOf, type FieldMap, type FieldValues } from './field-map.js';
import type { Target } from './match.js';
import { writeMembers, type MemberAnswer, type Membership, type MemberTools } from './write-members.js';
import type { PersonResult } from './write-persons.js';

export interface MembershipsOptions extends MemberTools {
  map: FieldMap;
  campaigns: Campaigns;
  clock: Clock;
}

/** A membership, none where its Campaign takes none, why there is none, or that the person's record has moved. */
export type MemberResult = (CrmExchange['member'] & { id: string | null; notes: string[] }) | { person: AppError } | AppError;

const CAPACITY = 50_000;
const KNOWN_FOR_MS = 600_000;

interface Due extends Membership {
  index: number;
  key: string;
  campaignId: string;
}

/** Ensures the memberships of persons whose records are written. */
export class Memberships {
  /** The members' call under way. */
  private turn: Promise<unknown> = Promise.resolve();
  /** What this process has ensured: the member's id, and with which mapped fields. */
  private readonly known: ExpiringCache<{ id: string; sent: string }>;

  constructor(private readonly options: MembershipsOptions) {
    this.known = new ExpiringCache(KNOWN_FOR_MS, CAPACITY, options.clock);
  }

  /** Whether a membership of this person would be written. */
  async isDue(sync: CrmSync, target: Target, fields: FieldValues): Promise<boolean> {
    const campaign = await this.options.campaigns.resolve(sync.campaignId);
    return 'id' in campaign && this.knownId(keyOf(target, campaign.id), fields) === null;
  }

  /** Where the org has no such Campaign, or does not let us use it, there is none: sales has the Lead all the same. */
  async ensure(syncs: CrmSync[], persons: PersonResult[]): Promise<MemberResult[]> {
    const results: MemberResult[] = [];
    const due: Due[] = [];
    for (const [index, sync] of syncs.entries()) {
      const person = persons[index]!;
      if (person instanceof AppError) {
        results[index] = person;
        continue;
      }
      const campaign = await this.options.campaigns.resolve(sync.campaignId);
      if (!('id' in campaign)) {
        results[index] = this.noMembership(sync.campaignId, campaign.unusable);
        continue;
      }
      const fields = memberFieldsOf(this.options.map, sync);
      const key = keyOf(person.target, campaign.id);
      const id = this.knownId(key, fields);
      if (id === null)
        due.push({ index, key, campaignId: sync.campaignId, target: person.target, campaign: campaign.id, fields });
      else results[index] = { id, answer: 'sent-before', fields: {}, notes: [] };
    }
    const answers = due.length > 0 ? await this.inTurn(() => this.write(due)) : [];
    answers.forEach((answer, place) => {
      const { index, key, campaignId, fields } = due[place]!;
      if (answer instanceof AppError || 'person' in answer) results[index] = answer;
      else if ('id' in answer) {
        if (answer.id !== null) this.known.set(key, { id: answer.id, sent: JSON.stringify(fields) });
        results[index] = answer;
      } else {
        // A rule may take the membership of the next person.
        if (answer.answer === undefined) this.options.campaigns.markUnusable(campaignId, answer.campaign);
        results[index] = this.noMembership(campaignId, answer.campaign, answer.answer);
      }
    });
    return results;
  }

  /** A person who is where it was, and whom the org does not make a member all the same: sales has the record. */
  refused({ campaignId }: CrmSync, { answer = '' }: AppError): MemberResult {
    return this.noMembership(campaignId, answer.split(/[ :]/, 1)[0]!, answer);
  }

  private noMembership(campaignId: string, why: string, said = why): MemberResult {
    this.options.notices.membershipMissing(campaignId, why);
    return {
      id: null,
      answer: why === NO_SUCH_KEY ? 'unknown-campaign' : 'unusable-campaign',
      fields: {},
      notes: [`No membership in campaign ${campaignId}: ${said.replace(/\.$/, '')}.`],
    };
  }

  /** A changed status is sent again: the person may have responded since. */
  private knownId(key: string, fields: FieldValues): string | null {
    const known = this.known.get(key);
    return known && known.sent === JSON.stringify(fields) ? known.id : null;
  }

  /** Inserting members locks their Campaign, so one call at a time does it. */
  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.turn.then(act);
    this.turn = turn.catch(() => {});
    return turn;
  }

  /** A person whom the org could not make a member is written by now: that is not tried again with it. */
  private async write(members: Membership[]): Promise<MemberAnswer[]> {
    try {
      return await writeMembers(this.options, members);
    } catch (cause) {
      const error = AppError.from(cause);
      return members.map(() => error);
    }
  }
}

function keyOf({ id }: Target, campaign: string): string {
  return `${id} ${campaign}`;
}
