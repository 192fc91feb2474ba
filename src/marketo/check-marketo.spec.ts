import { describe, expect, it } from 'vitest';
import { AppError } from '../domain/app-error.js';
import { checkMarketo, type CheckOptions } from './check-marketo.js';
import type { MarketoActivity, MarketoField } from './client/marketo-api.js';
import { DEFAULT_FIELD_MAP } from './field-map.js';

const field = (name: string, dataType = 'string'): MarketoField => ({ name, dataType, length: 255, readOnly: false });
const TEXTS = 'rfIntent rfReason rfScoreSource rfVersion rfOwner rfOutcome email firstName lastName company'.split(' ');
const FIELDS = [
  field('rfFitScore', 'integer'),
  field('rfScoredAt', 'datetime'),
  field('rfProbability', 'float'),
  ...TEXTS.map((name) => field(name)),
];
const denied = () => Promise.reject(new AppError('MARKETO_MISCONFIGURED', 'Marketo denies access (603).'));
const failed = () => Promise.reject(new AppError('MARKETO_UNAVAILABLE', 'Marketo could not execute the call (611).'));
const page = { items: [] as MarketoActivity[], next: 'token', more: false };

function optionsOf(api: Partial<CheckOptions['api']>): CheckOptions {
  return {
    api: {
      user: 'apis@example.com',
      describeFields: async () => FIELDS,
      updatePeople: async () => [{ status: 'skipped' }],
      usage: async () => null,
      activityTypes: async () => [{ id: 110, name: 'Call Webhook' }],
      pagingToken: async () => 'token',
      activities: async () => page,
      ...api,
    },
    fieldMap: DEFAULT_FIELD_MAP,
    contentIgnore: [],
    webhook: 'RevenueFlow',
    dailyCalls: 50_000,
    stopPercent: 90,
    arrivals: null,
    now: Date.parse('2026-11-27T18:00:00Z'),
  };
}

async function check(api: Partial<CheckOptions['api']>) {
  const lines = await checkMarketo(optionsOf(api));
  return lines.filter(({ verdict }) => verdict !== 'ok').map(({ subject, detail }) => `${subject}: ${detail}`);
}

describe('the check of Marketo', () => {
  it('finds nothing to correct where all is as it should be', async () => {
    expect(await check({})).toEqual(['webhook: the log of the last day has no webhook call']);
  });

  it.each<[string, Partial<CheckOptions['api']>, RegExp[]]>([
    ['may read and not write', { updatePeople: denied }, [/^permission to write scores \(Read-Write Lead\): .*603/]],
    ['may not read fields', { describeFields: denied }, [/^permission to read fields .*603/]],
    ['may not read types', { activityTypes: denied }, [/^permission Read-Only Activity Metadata: .*603/]],
    ['may not read the log', { pagingToken: denied }, [/^permission Read-Only Activity: .*603/]],
    [
      'has refused credentials',
      {
        user: null,
        describeFields: () =>
          Promise.reject(
            new AppError('MARKETO_MISCONFIGURED', 'Marketo refused the credentials (401).', {
              signature: 'marketo:identity-401',
            }),
          ),
      },
      [/^credentials and address: Marketo refused the credentials/],
    ],
    [
      'cannot write now',
      { updatePeople: failed },
      [/^permission to write scores .*could not be checked: .*611.*again$/, /^webhook: /],
    ],
    ['cannot read the log now', { pagingToken: failed }, [/^permission Read-Only Activity: could not be checked/]],
    ['is of an instance without webhooks', { activityTypes: async () => [] }, [/no activity type Call Webhook/]],
  ])('names what the API user lacks that %s', async (_, api, findings) => {
    const lines = await check(api);
    for (const finding of findings) expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(finding)]));
    expect(lines.length).toBeLessThanOrEqual(2);
  });

  it('ends where Marketo cannot be reached at all', async () => {
    await expect(check({ describeFields: failed })).rejects.toMatchObject({ code: 'MARKETO_UNAVAILABLE' });
  });

  it.each(['rFFitScore', 'RfFitScore', 'rf_fit_score_c', 'rfFitScore__c'])(
    'names the field %s, which Marketo has in place of rfFitScore',
    async (name) => {
      const fields = FIELDS.map((one) => (one.name === 'rfFitScore' ? { ...one, name } : one));
      const [line] = await check({ describeFields: async () => fields });
      expect(line).toMatch(new RegExp(`^rfFitScore: Marketo's REST name is ${name}: name it so in MARKETO_FIELD_MAP`));
    },
  );

  it('names a field of the map in whose type no value fits', async () => {
    const fieldMap = {
      ...DEFAULT_FIELD_MAP,
      person: DEFAULT_FIELD_MAP.person.map((rule) => (rule.to === 'rfIntent' ? { ...rule, to: 'tier' } : rule)),
    };
    const options = {
      ...optionsOf({ describeFields: async () => [...FIELDS, field('tier', 'boolean')] }),
      fieldMap,
      contentIgnore: ['tier'],
    };
    expect(await checkMarketo(options)).toContainEqual({
      subject: 'tier',
      verdict: 'problem',
      detail: expect.stringMatching(/^has the type boolean, in which no value of enrichment\.intent fits/),
    });
  });

  it('does not ask for a field that the map does without', async () => {
    const fields = FIELDS.filter(({ name }) => name !== 'rfOwner');
    const lines = await checkMarketo(optionsOf({ describeFields: async () => fields }));
    expect(lines).toContainEqual({
      subject: 'rfOwner',
      verdict: 'note',
      detail: expect.stringMatching(/type string, to have it written; it is left out meanwhile$/),
    });
  });

  it('does not say of a log that it has not read to its end that no call is there', async () => {
    const [line] = await check({ activities: async () => ({ ...page, more: true }) });
    expect(line).toMatch(/^webhook: the first 10 pages of the log of the last day have no webhook call/);
  });
});
