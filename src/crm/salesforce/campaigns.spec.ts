import { describe, expect, it } from 'vitest';
import { Campaigns, NO_SUCH_KEY, SEVERAL_WITH_KEY } from './campaigns.js';

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
    const campaigns = new Campaigns({}, async () => [records], { now: () => 0 });
    expect(await campaigns.resolve(key)).toEqual(answer);
  });

  it('that two Campaigns have is no guess', async () => {
    const records = [ONE, TWO].map((Id) => ({ Id, RF_Campaign_Key__c: 'launch' }));
    const campaigns = new Campaigns({}, async () => [records], { now: () => 0 });
    expect(await campaigns.resolve('launch')).toEqual({ unusable: SEVERAL_WITH_KEY });
  });
});
