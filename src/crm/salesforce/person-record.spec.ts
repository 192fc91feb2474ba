import { describe, expect, it } from 'vitest';
import type { CrmSync } from '../port.js';
import { DEFAULT_FIELD_MAP } from './field-map.js';
import type { OrgSchema } from './org-schema.js';
import { personRecord } from './person-record.js';

const schema = { describe: async () => new Map(), fit: async () => ({ cut: [], unfit: [] }) } as unknown as OrgSchema;
const enrichment = { fitScore: 1, intent: 'low', reasoning: '', scoreSource: 'ai', evidence: [] };

async function recordOf(name: string | null) {
  const lead = { email: 'ann@acme.com', name, attributes: {} };
  const sync = { projection: { lead, enrichment, version: 1 } } as unknown as CrmSync;
  return personRecord(
    { map: DEFAULT_FIELD_MAP, schema },
    sync,
    { target: null, key: 'k', email: null, byKeyAlone: false },
    new Set(),
  );
}

describe('the record of a person', () => {
  it.each([
    ['Ann Lee', 0],
    ['DUPONT Jean', 0],
    ['Lee, Ann', 0],
    ['Mohammed bin Salman Al Saud', 0],
    ['El Salvador', 0],
    ['Al Gore', 0],
    ['Visitor 7', 0],
    ['Null', 0],
    [null, 0],
    ['Ann Lee 2', 1],
    ['Capt. Jack Sparrow', 1],
    ['Ann Lee (she/her)', 2],
    ['Ann Lee <ann@acme.com>', 3],
  ])('says how many words of the name %s are in no field, without the words', async (name, count) => {
    const { notes } = await recordOf(name);
    const said = `Words of the name that are not in FirstName or LastName, such as a title or a number: ${count}. The lead keeps them.`;
    expect(notes).toEqual(count === 0 ? [] : [said]);
  });
});
