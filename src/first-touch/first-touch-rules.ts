import { Injectable } from '@nestjs/common';
import { ownerIdOf } from '../domain/salesforce-id.js';
import { ActiveRulesService } from '../routing/active-rules.service.js';
import type { FirstTouchPolicy } from '../routing/first-touch.schema.js';
import { MembersRepository } from '../routing/members.repository.js';
import type { CompiledRules } from '../routing/rules.js';
import { ownerOf, type Owner } from './owners.js';

/** The part of the active rules that concerns the first touch; it is the same for all that one poll does. */
export interface ActivePolicy {
  policy: FirstTouchPolicy;
  /** The owner of the fallback; null where the fallback is a pool. */
  lastResort: string | null;
  owners(userIds: string[]): Promise<Map<string, Owner>>;
}

/** The active policy with the people whom it concerns. */
@Injectable()
export class FirstTouchRules {
  constructor(
    private readonly source: ActiveRulesService,
    private readonly members: MembersRepository,
  ) {}

  /** Whether there are routing rules; they may have no section `firstTouch`. */
  get isOn(): boolean {
    return this.source.isOn;
  }

  /** Null where there are no rules, or none with a section `firstTouch`: then there are no clocks and no notices. */
  async active(): Promise<ActivePolicy | null> {
    if (!this.source.isOn) return null;
    const { rules } = await this.source.required();
    const policy = rules.source.firstTouch;
    if (!policy) return null;
    return {
      policy,
      lastResort: lastResortOf(rules),
      owners: async (userIds) => {
        const wanted = [...new Set(userIds)];
        const members = new Map((await this.members.get(wanted)).map((member) => [member.userId, member]));
        return new Map(wanted.map((userId) => [userId, ownerOf(userId, rules, members)]));
      },
    };
  }
}

function lastResortOf({ source, reps }: CompiledRules): string | null {
  const { queue, rep } = source.fallback;
  return queue !== undefined ? ownerIdOf(queue) : rep === undefined ? null : (reps.get(rep)?.ownerId ?? null);
}
