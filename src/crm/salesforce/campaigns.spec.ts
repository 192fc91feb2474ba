import { describe, expect, it } from 'vitest';
import { AppError } from '../../domain/app-error.js';
import { to18 } from './record-id.js';
import { Campaigns, NO_KEY_FIELD, NO_SUCH_KEY, SEVERAL_WITH_KEY } from './campaigns.js';

const ONE = '7015e000000AAAAAA2';
const TWO = '7015e000000BBBBAA2';

describe('the Campaign of a key', () => {
  it.each([
    ['launch', { launch: ONE }, { id: ONE }],
    ['launch', { Launch: ONE }, { id: ONE }],
    ['launch', { Launch: ONE, launch: TWO }, { id: TWO }],
    ['launch', { Launch: ONE, LAUNCH: TWO }, { unusable: SEVERAL_WITH_KEY }],
    ['launch', {}, { unusable: NO_SUCH_KEY }],
  ])('%s with %j in the org', async (key, there, answer) => {
    const records = Object.entries(there).map(([RF_Campaign_Key__c, Id]) => ({ Id: Id!, RF_Campaign_Key__c }));
    const campaigns = new Campaigns(
      {},
      async () => [records],
      { now: () => 0 },
      async () => false,
    );
    expect(await campaigns.resolve(key)).toEqual(answer);
  });

  it('that two Campaigns have is no guess', async () => {
    const records = [ONE, TWO].map((Id) => ({ Id, RF_Campaign_Key__c: 'launch' }));
    const campaigns = new Campaigns(
      {},
      async () => [records],
      { now: () => 0 },
      async () => false,
    );
    expect(await campaigns.resolve('launch')).toEqual({ unusable: SEVERAL_WITH_KEY });
  });

  it('is none where the org has no field for it, and the Campaigns of ids are found all the same', async () => {
    const id = to18(ONE.slice(0, 15));
    const query = async (queries: string[]) => {
      if (queries.some((text) => text.includes('RF_Campaign_Key__c'))) throw new AppError('CRM_MISCONFIGURED', 'No such column');
      return [[{ Id: id }]];
    };
    const campaigns = new Campaigns({}, query, { now: () => 0 }, async () => true);
    expect(await Promise.all(['launch', id].map((each) => campaigns.resolve(each)))).toEqual([
      { unusable: NO_KEY_FIELD },
      { id },
    ]);
    const broken = new Campaigns({}, query, { now: () => 0 }, async () => false);
    await expect(broken.resolve('launch')).rejects.toMatchObject({ code: 'CRM_MISCONFIGURED' });
  });
});
