import { Injectable } from '@nestjs/common';
import { AppError } from '../domain/app-error.js';
import { Database, type Queryable } from '../platform/database/database.js';
import type { CompiledRules } from './rules.js';

export interface RuleVersion {
  version: number;
  at: Date;
  who: string;
  note: string;
  /** Hexadecimal. */
  hash: string;
  active: boolean;
}

interface Activation {
  id: number;
  version: number;
  previous: number | null;
}

const NEWEST = 'SELECT id, version, previous FROM routing.activations ORDER BY id DESC LIMIT 1';
/** What the file had at the last start, though another version may have been activated since. */
const NEWEST_OF_FILE = 'SELECT id, version, previous FROM routing.activations WHERE who = $1 ORDER BY id DESC LIMIT 1';
const FILE = 'file';
const LOCK = 'LOCK TABLE routing.activations IN SHARE ROW EXCLUSIVE MODE';
const ACTIVATE = 'INSERT INTO routing.activations (who, version, previous) VALUES ($1, $2, $3)';

/** To what a rollback of this version returns. Of one that is active already: to what was active before it. */
const before = (newest: Activation | undefined, version: number) =>
  (newest?.version === version ? newest.previous : newest?.id) ?? null;

/** Stored versions of the rules, and which of them is active. */
@Injectable()
export class RuleVersionsRepository {
  constructor(private readonly database: Database) {}

  /** Stores rules; the same rules are the same version. @returns the version, and whether it is new. */
  async add(who: string, { hash, document }: CompiledRules, note = '', on: Queryable = this.database) {
    const text = "SELECT version FROM routing.rule_versions WHERE hash = decode($1, 'hex')";
    const find = async () => (await on.query<{ version: number }>(text, [hash])).rows[0]?.version;
    // An insert that meets a conflict would use up a number of a version at each start.
    const known = await find();
    if (known !== undefined) return { version: known, isNew: false };
    const added = await on.query<{ version: number }>(
      `INSERT INTO routing.rule_versions (who, note, hash, rules) VALUES ($1, $2, decode($3, 'hex'), $4)
       ON CONFLICT (hash) DO NOTHING RETURNING version`,
      [who, note, hash, JSON.stringify(document)],
    );
    if (added.rows[0]) return { version: added.rows[0].version, isNew: true };
    return { version: (await find())!, isNew: false };
  }

  /** As `add`, with its line in the log of operators' acts. */
  store(who: string, rules: CompiledRules, note: string): Promise<{ version: number; isNew: boolean }> {
    return this.database.transaction(async (transaction) => {
      const stored = await this.add(who, rules, note, transaction);
      const detail = JSON.stringify({ version: stored.version });
      await transaction.query("SELECT ledger.record_act($1, 'routing-rules-store', $2)", [who, detail]);
      return stored;
    });
  }

  /**
   * The rules of a file at the start. Where the file has changed since the last start they become active, though they
   * may be those of an older version. An unchanged file changes nothing, so that a rollback survives a restart.
   */
  async addFile(rules: CompiledRules): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await transaction.query(LOCK);
      const { version } = await this.add(FILE, rules, 'ROUTING_RULES', transaction);
      const last = (await transaction.query<Activation>(NEWEST_OF_FILE, [FILE])).rows[0];
      if (last?.version === version) return;
      const newest = (await transaction.query<Activation>(NEWEST)).rows[0];
      await transaction.query(ACTIVATE, [FILE, version, before(newest, version)]);
    });
  }

  async activeVersion(): Promise<number | null> {
    return (await this.database.query<Activation>({ name: 'routing-active', text: NEWEST })).rows[0]?.version ?? null;
  }

  /** The rules of a version as they were written, with their hash; null where there is none. */
  async find(version: number): Promise<{ document: unknown; hash: string } | null> {
    const text = "SELECT rules AS document, encode(hash, 'hex') AS hash FROM routing.rule_versions WHERE version = $1";
    return (await this.database.query<{ document: unknown; hash: string }>(text, [version])).rows[0] ?? null;
  }

  /** The newest first, at most 50. */
  async list(): Promise<RuleVersion[]> {
    const { rows } = await this.database.query<RuleVersion & Record<string, unknown>>(
      `SELECT v.version, v.at, v.who, v.note, encode(v.hash, 'hex') AS hash,
         v.version IS NOT DISTINCT FROM (SELECT version FROM (${NEWEST}) n) AS active
       FROM routing.rule_versions v ORDER BY v.version DESC LIMIT 50`,
    );
    return rows;
  }

  /** @throws AppError NOT_FOUND */
  async activate(who: string, version: number): Promise<void> {
    await this.change(who, async (transaction, newest) => {
      const known = await transaction.query('SELECT FROM routing.rule_versions WHERE version = $1', [version]);
      if (known.rowCount === 0)
        throw new AppError('NOT_FOUND', 'No routing rules have this version. GET /ops/routing lists the versions.');
      return { version, previous: before(newest, version) };
    });
  }

  /** Returns to what was active before. @throws AppError BAD_REQUEST where nothing was. @returns the version. */
  async rollBack(who: string): Promise<number> {
    return this.change(who, async (transaction, newest) => {
      const earlier = newest?.previous ?? null;
      const text = 'SELECT id, version, previous FROM routing.activations WHERE id = $1';
      const { rows } = await transaction.query<Activation>(text, [earlier]);
      if (!rows[0]) throw new AppError('BAD_REQUEST', 'No version of the routing rules was active before this one.');
      return { version: rows[0].version, previous: rows[0].previous };
    });
  }

  /** One change at a time, with its line in the log of operators' acts. */
  private change(
    who: string,
    decide: (transaction: Queryable, newest: Activation | undefined) => Promise<Omit<Activation, 'id'>>,
  ): Promise<number> {
    return this.database.transaction(async (transaction) => {
      await transaction.query(LOCK);
      const { version, previous } = await decide(transaction, (await transaction.query<Activation>(NEWEST)).rows[0]);
      await transaction.query(ACTIVATE, [who, version, previous]);
      await transaction.query("SELECT ledger.record_act($1, 'routing-rules', $2)", [who, JSON.stringify({ version })]);
      return version;
    });
  }
}
