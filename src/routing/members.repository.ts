import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';

/** The first and the last time of an absence, both included: days, or local times to the minute. */
export interface Absence {
  from: string;
  to: string;
}

/** A user of the CRM. */
export interface Member {
  userId: string;
  name: string | null;
  email: string | null;
  active: boolean;
  managerId: string | null;
  /** An IANA name; null where the CRM does not say. */
  timeZone: string | null;
  absent: Absence[];
  updatedAt: Date;
}

const MEMBER = `user_id AS "userId", name, email, active, manager_id AS "managerId", time_zone AS "timeZone", absent,
  updated_at AS "updatedAt"`;

/** Decisions use a member as it was read for so long, in milliseconds: a new absence counts a second later. */
const RECENT_MS = 1000;

/** The mirror of the CRM's users. */
@Injectable()
export class MembersRepository {
  private kept = new Map<string, Member | null>();
  private keptSince = -Infinity;

  constructor(private readonly database: Database) {}

  async get(userIds: string[]): Promise<Member[]> {
    const text = `SELECT ${MEMBER} FROM routing.members WHERE user_id = ANY($1) ORDER BY user_id`;
    return (await this.database.query<MemberRow>(text, [userIds])).rows;
  }

  /** As they are, or were a second ago. Users that the mirror does not know are not in the answer. */
  async recent(userIds: string[]): Promise<Map<string, Member>> {
    if (performance.now() - this.keptSince > RECENT_MS) this.forget();
    const { kept } = this;
    const missing = [...new Set(userIds)].filter((id) => !kept.has(id));
    if (missing.length > 0) {
      const found = await this.get(missing);
      for (const id of missing) kept.set(id, null);
      for (const member of found) kept.set(member.userId, member);
    }
    return new Map(userIds.flatMap((id) => (kept.get(id) ? [[id, kept.get(id)!]] : [])));
  }

  private forget(): void {
    this.kept = new Map();
    this.keptSince = performance.now();
  }

  /** Users with their state; null where nothing was mirrored or imported yet. */
  async mirrored(): Promise<{ userId: string; active: boolean }[] | null> {
    const text = `SELECT user_id AS "userId", active FROM routing.members WHERE name IS NOT NULL ORDER BY user_id LIMIT 100000`;
    const { rows } = await this.database.query<{ userId: string; active: boolean }>(text);
    return rows.length === 0 ? null : rows;
  }

  /** The CRM refused the user as an owner. The next mirror corrects it where that has changed. */
  async markInactive(userId: string): Promise<void> {
    await this.database.query(
      `INSERT INTO routing.members (user_id, active) VALUES ($1, false)
       ON CONFLICT (user_id) DO UPDATE SET active = false, updated_at = now()`,
      [userId],
    );
    this.forget();
  }

  /** Replaces the absences of a user. They were checked. */
  async setAbsences(who: string, userId: string, absent: Absence[]): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await transaction.query(
        `INSERT INTO routing.members (user_id, absent) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET absent = excluded.absent, updated_at = now()`,
        [userId, JSON.stringify(absent)],
      );
      await transaction.query("SELECT ledger.record_act($1, 'routing-absence', $2)", [who, JSON.stringify({ userId, absent })]);
    });
    this.forget();
  }
}

type MemberRow = Member & Record<string, unknown>;
