import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';

/** From when to when a member is away, both included: days, or local times to the minute. */
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

/** The mirror of the CRM's users. */
@Injectable()
export class MembersRepository {
  constructor(private readonly database: Database) {}

  async get(userIds: string[]): Promise<Member[]> {
    const text = `SELECT ${MEMBER} FROM routing.members WHERE user_id = ANY($1) ORDER BY user_id`;
    return (await this.database.query<MemberRow>(text, [userIds])).rows;
  }
}

type MemberRow = Member & Record<string, unknown>;
