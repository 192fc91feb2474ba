import { z } from 'zod';
import { AppError } from '../../domain/app-error.js';
import type { CrmDirectory } from '../port.js';
import type { SalesforceClient } from './client.js';
import { queryTogether } from './queries.js';
import { recordIdSchema } from './record-id.js';
import { soql } from './soql.js';

export interface DirectoryOptions {
  client: SalesforceClient;
  apiVersion: string;
  callsAreLow?(): boolean;
}

/** Records of a page: Salesforce answers so many at once. */
const PAGE = 2000;

const instant = z
  .string()
  .transform((text) => new Date(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')))
  .refine((date) => !Number.isNaN(date.getTime()), 'is no time')
  .transform((date) => date.toISOString());
const text = z.string().nullish();
const stamped = { Id: recordIdSchema, SystemModstamp: instant };

const userSchema = z.object({
  ...stamped,
  Name: text,
  Email: text,
  IsActive: z.boolean(),
  ManagerId: recordIdSchema.nullish(),
  TimeZoneSidKey: text,
});
const accountSchema = z.object({
  ...stamped,
  OwnerId: recordIdSchema,
  Name: text,
  Type: text,
  Industry: text,
  ParentId: recordIdSchema.nullish(),
  Website: text,
  CreatedDate: instant,
  IsDeleted: z.boolean(),
});
const contactSchema = z.object({ ...stamped, AccountId: recordIdSchema.nullish(), Email: text, IsDeleted: z.boolean() });

type Position = Parameters<CrmDirectory['users']>[0];

/** Users, accounts and the domains of contacts. A page costs one API call, and waits where calls run low. */
export class SalesforceDirectory implements CrmDirectory {
  constructor(private readonly options: DirectoryOptions) {}

  async users(after: Position, signal: AbortSignal) {
    const select = 'SELECT Id, Name, Email, IsActive, ManagerId, TimeZoneSidKey, SystemModstamp FROM User';
    const { records, more } = await this.read(userSchema, select, after, signal);
    return {
      more,
      records: records.map((user) => ({
        userId: user.Id,
        name: user.Name ?? null,
        email: user.Email ?? null,
        active: user.IsActive,
        managerId: user.ManagerId ?? null,
        timeZone: user.TimeZoneSidKey ?? null,
        changedAt: user.SystemModstamp,
      })),
    };
  }

  async accounts(after: Position, signal: AbortSignal) {
    const select =
      'SELECT Id, OwnerId, Name, Type, Industry, ParentId, Website, CreatedDate, IsDeleted, SystemModstamp FROM Account';
    const { records, more } = await this.read(accountSchema, select, after, signal);
    return {
      more,
      records: records.map((account) => ({
        accountId: account.Id,
        ownerId: account.OwnerId,
        name: account.Name ?? null,
        type: account.Type ?? null,
        industry: account.Industry ?? null,
        parentId: account.ParentId ?? null,
        website: account.Website ?? null,
        createdAt: account.CreatedDate,
        changedAt: account.SystemModstamp,
        deleted: account.IsDeleted,
      })),
    };
  }

  async contactDomains(after: Position, signal: AbortSignal) {
    const select = 'SELECT Id, AccountId, Email, IsDeleted, SystemModstamp FROM Contact';
    const { records, more } = await this.read(contactSchema, select, after, signal);
    return {
      more,
      records: records.map((contact) => ({
        contactId: contact.Id,
        // A contact that is deleted says nothing of its account any more.
        accountId: contact.IsDeleted ? null : (contact.AccountId ?? null),
        domain: contact.Email?.includes('@') ? contact.Email.slice(contact.Email.lastIndexOf('@') + 1).toLowerCase() : null,
        changedAt: contact.SystemModstamp,
      })),
    };
  }

  private async read<T>(schema: z.ZodType<T>, select: string, { at, id }: Position, signal: AbortSignal) {
    const { client, apiVersion, callsAreLow } = this.options;
    if (callsAreLow?.())
      throw new AppError('CRM_DAILY_LIMIT_REACHED', "The org's API calls of the day run low: what is left is for leads.");
    const later =
      id === '' ? `SystemModstamp >= ${at}` : `(SystemModstamp > ${at} OR (SystemModstamp = ${at} AND ${soql`Id > ${id}`}))`;
    const query = `${select} WHERE ${later} ORDER BY SystemModstamp, Id LIMIT ${PAGE}`;
    const [records = []] = await queryTogether(client, apiVersion, schema, [{ deletedToo: query }], signal);
    return { records, more: records.length === PAGE };
  }
}
