import { expect, it } from 'vitest';
import type { CrmDirectory } from '../crm/port.js';
import { DirectoryReader } from './directory.reader.js';

const PAGE = 2000;
type User = Awaited<ReturnType<CrmDirectory['users']>>['records'][number];
const user = { name: null, email: null, active: true, managerId: null, timeZone: null };

it('gets past more changes of a moment than one run reads, and reads each once', async () => {
  // A mass update: more records than a run reads, all within the time that is read again.
  const at = '2026-11-27T10:00:00.000Z';
  const ids = Array.from({ length: 50_000 }, (_, index) => String(index).padStart(6, '0'));
  let calls = 0;
  const users: CrmDirectory['users'] = async (after) => {
    calls++;
    const from = after.at < at ? 0 : ids.findIndex((id) => id > after.id);
    const some = from < 0 ? [] : ids.slice(from, from + PAGE);
    return { records: some.map((userId) => ({ ...user, userId, changedAt: at })), more: some.length === PAGE };
  };
  const none = async () => ({ records: [], more: false });
  const stored = new Set<string>();
  const repository = {
    position: async () => ({ at, id: '' }),
    storeUsers: async (records: Pick<User, 'userId'>[]) => records.forEach(({ userId }) => stored.add(userId)),
    storeAccounts: async () => {},
    storeContactDomains: async () => {},
  };
  const reader = new DirectoryReader({ users, accounts: none, contactDomains: none }, repository);
  const signal = AbortSignal.abort();
  expect([await reader.read(signal), await reader.read(signal)]).toEqual([true, false]);
  expect([stored.size, calls]).toEqual([ids.length, ids.length / PAGE + 1]);
});
