import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Acceptance, WebhookCall } from '../../ledger/marketo-calls.repository.js';
import { CampaignIds } from './campaign-ids.js';
import { matchCalls, TOLERANCE_MS } from './match-calls.js';

const call = (guid: string, marketoId: number, seconds: number, campaignId = 1): WebhookCall => ({
  guid,
  marketoId,
  campaignId,
  at: new Date(seconds * 1000),
  failed: false,
});
const acceptance = (seq: number, marketoId: number, seconds: number, campaignId = '1'): Acceptance => ({
  leadId: `lead-${marketoId}-${campaignId}`,
  seq,
  campaignId,
  marketoId,
  at: new Date(seconds * 1000),
});
const pairs = (matches: ReturnType<typeof matchCalls>) =>
  matches.map(({ call: { guid }, acceptance: { seq } }) => `${guid}-${seq}`).toSorted();

describe('matching calls with commits', () => {
  it('is one to one, of one person each, within the tolerance, whatever the order of both', () => {
    const times = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2000 })), { maxLength: 12 });
    fc.assert(
      fc.property(times, times, (some, others) => {
        const calls = some.map(([person, at], index) => call(`g${index}`, person, at));
        const commits = others.map(([person, at], index) => acceptance(index, person, at));
        const matches = matchCalls(calls, commits, () => true);
        expect(new Set(matches.map((match) => match.call.guid)).size).toBe(matches.length);
        expect(new Set(matches.map((match) => match.acceptance.seq)).size).toBe(matches.length);
        for (const match of matches) {
          expect(match.call.marketoId).toBe(match.acceptance.marketoId);
          expect(Math.abs(match.call.at.getTime() - match.acceptance.at.getTime())).toBeLessThanOrEqual(TOLERANCE_MS);
        }
        expect(pairs(matchCalls(calls.toReversed(), commits, () => true))).toEqual(pairs(matches));
      }),
    );
  });

  it('takes the nearest in time, and a commit of the own campaign first', () => {
    expect(pairs(matchCalls([call('a', 1, 100), call('b', 1, 110)], [acceptance(1, 1, 111)], () => true))).toEqual(['b-1']);
    const two = [acceptance(1, 1, 100, '2'), acceptance(2, 1, 160, '1')];
    expect(pairs(matchCalls([call('a', 1, 100, 1), call('b', 1, 100, 2)], two, () => true))).toEqual(['a-2', 'b-1']);
  });
});

describe('the campaign_id that a template sends', () => {
  const match = (campaignId: number, sentAs: string, person: number): [WebhookCall, string] => [
    call('g', person, 0, campaignId),
    sentAs,
  ];

  it('is what the field map says, else what calls have shown, else nothing', () => {
    const ids = new CampaignIds({ '7': 'spring' }, []);
    expect([ids.of(7), ids.of(8), ids.of(null)]).toEqual(['spring', null, null]);
    ids.learnFrom([match(8, '8', 1)]);
    expect([ids.of(8), ids.of(9)]).toEqual(['8', '9']);
  });

  it('is not the id of a new campaign where a call seems to show another text', () => {
    const ids = new CampaignIds({}, [{ campaignId: 8, sentAs: '8' }]);
    expect(ids.learnFrom([match(9, 'launch', 1)])).toEqual([]);
    expect(ids.of(9)).toBeNull();
    expect(ids.learnFrom([match(9, 'launch', 1), match(9, 'launch', 2)])).toEqual([{ campaignId: 9, sentAs: 'launch' }]);
    expect([ids.of(9), ids.of(10)]).toEqual(['launch', null]);
  });

  it('that two texts were seen of is not known', () => {
    const ids = new CampaignIds({}, [
      { campaignId: 8, sentAs: '8' },
      { campaignId: 8, sentAs: 'eight' },
    ]);
    expect(ids.of(8)).toBeNull();
  });

  it('of another campaign belongs to that campaign', () => {
    const ids = new CampaignIds({}, [{ campaignId: 8, sentAs: '8' }]);
    const admits = ([id, sentAs]: [number | null, string]) => ids.admits(id, sentAs);
    expect(
      (
        [
          [9, '8'],
          [9, '9'],
          [9, 'launch'],
          [8, '9'],
        ] as [number, string][]
      ).map(admits),
    ).toEqual([false, true, true, false]);
    // A call whose campaign Marketo does not name may be of any.
    expect(
      (
        [
          [null, '8'],
          [null, 'launch'],
        ] as [null, string][]
      ).map(admits),
    ).toEqual([true, true]);
  });
});
