import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/app-error.js';
import { auditFields } from '../../src/crm/audit-fields.js';
import type { Enrichment } from '../../src/domain/enrichment.js';
import type { CrmExchange, LeadContent } from '../../src/domain/lead.js';
import { DeadLetters } from '../../src/ops/dead-letters/dead-letters.service.js';
import { journeyText } from '../../src/cli/format-lead.js';
import { timesIn } from '../../src/cli/format-time.js';
import { journeyOf } from '../../src/ops/lead-timeline.js';
import { FlowControlRepository } from '../../src/flow-control/flow-control.repository.js';
import { eventually } from '../support/eventually.js';
import { pipelineWorld, type PipelineWorld } from '../support/pipeline-world.js';

const aiScore: Enrichment = {
  fitScore: 77,
  intent: 'high',
  confidence: 0.9,
  evidence: [
    { signal: 'asks for a quote for 200 seats', polarity: 'positive' },
    { signal: 'no budget named', polarity: 'neutral' },
  ],
  reasoning: 'Asks for a quote for 200 seats.',
  scoreSource: 'ai',
  needsRescore: false,
  flags: [],
  provider: 'model',
  scorerVersion: 'prompt-1',
};

const fieldsOf = ({ email, name, attributes }: LeadContent, { fitScore, reasoning }: Enrichment) => ({
  Email: email,
  LastName: name,
  Title: attributes['title'],
  RF_Fit_Score__c: fitScore,
  RF_Reasoning__c: reasoning,
});
/** The sent fields are indented below their line. */
const beneath = ' '.repeat(25);

describe('the journey of a lead that met everything', () => {
  let world: PipelineWorld;
  afterEach(() => world.close());

  it('reads as one clear story', async () => {
    let asked = 0;
    let crm: 'away' | 'refuses' | 'works' = 'away';
    let written = 0;
    world = await pipelineWorld({
      kind: 'postgres',
      env: { AI_TIMEOUT_MS: '100', LEASE_MS: '1000' },
      scorer: {
        name: 'model',
        // No answer during the attempts of both revisions; the re-score after them is answered.
        score: (_, signal) =>
          ++asked > 2 * world.config.RETRY_ATTEMPTS
            ? Promise.resolve(aiScore)
            : new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      },
      crm: async ({ projection: { lead, enrichment } }) => {
        if (crm === 'away') throw new AppError('CRM_UNAVAILABLE', 'The CRM did not answer.');
        if (crm === 'refuses') {
          throw new AppError('CRM_RECORD_REJECTED', 'The CRM refused the record (STRING_TOO_LONG).', {
            answer: 'STRING_TOO_LONG: Title',
            sent: auditFields(fieldsOf(lead, enrichment)),
          });
        }
        const known = written++ > 0;
        const exchange: CrmExchange = {
          provider: 'salesforce',
          lead: { answer: known ? 'updated' : 'created', fields: auditFields(fieldsOf(lead, enrichment)) },
          member: known ? { answer: 'sent-before', fields: {} } : { answer: 'created', fields: { CampaignId: '7011' } },
        };
        return { provider: 'salesforce', leadId: '00Q1', memberId: '00v1', exchanges: [exchange] };
      },
    });
    const store = new FlowControlRepository(world.ledger.database, 'operator');
    const [id] = await world.accept(1, () => ({ name: 'Ann Lee', attributes: { title: 'Head of Everything' } }));
    const text = async () => {
      const { lead, events } = (await world.ledger.leads.findLead(id!))!;
      const journey = journeyOf(lead, events, world.config.RETRY_ATTEMPTS, await store.stages());
      return journeyText(JSON.parse(JSON.stringify(journey)) as typeof journey, timesIn('utc'));
    };
    const state = (expected: string) =>
      eventually(async () => expect((await world.ledger.leads.findLead(id!))!.lead.state).toBe(expected));

    await world.startWorker();
    await eventually(async () =>
      expect(await text()).toMatch(
        /enriched; next: crm-sync, once its breaker closes: open since .* \(dependency-down, CRM_UNAVAILABLE\)\. The CRM did not answer\. .* Next probe at/,
      ),
    );
    await eventually(async () => expect(await text()).toContain('not counted'));
    crm = 'refuses';
    await state('dead');
    expect(await text()).toContain(`\ndead; a dead letter: see \`revenueflow dead-letters get ${id}\`\n`);
    const letters = new DeadLetters(world.ledger.deadLetters, world.ledger.auditLog, world.publisher);
    await letters.edit(id!, { name: 'Ann Lee', attributes: { title: 'Head' } }, 'bea');
    crm = 'works';
    await letters.replay(id!, 'bea');
    await state('synced');
    await eventually(async () => {
      await world.pool.query(`UPDATE ledger.leads SET rescore_at = '-infinity'`);
      expect((await world.ledger.leads.findLead(id!))!.events.at(-1)!.kind).toBe('crm-updated');
    });

    const told = (await text())
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, 'TIME')
      .replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, 'HH:MM:SS')
      .replaceAll(/ +\+[\d.]+ (?:ms|s|min)  /g, '  +T  ')
      .split('\n');
    const failed = (n: number) =>
      `HH:MM:SS  +T  attempt ${n} in enrichment failed: AI_TIMEOUT: The model did not answer within 100 ms.`;
    const shared =
      'HH:MM:SS  +T  a run in crm-sync failed and is not counted, since the downstream is at fault: CRM_UNAVAILABLE: ' +
      'The CRM did not answer. Next attempt at HH:MM:SS';
    const fallback = 'HH:MM:SS  +T  scored 50, intent unknown, by fallback (model, fallback-1; fallback:AI_TIMEOUT)';
    const timeouts = [...[1, 2, 3, 4].map((n) => `${failed(n)} Next attempt at HH:MM:SS`), failed(5)];
    // The number of CRM calls before the breaker opens depends on the duration of a run.
    const distinct = told.filter((line, index) => line !== shared || told[index - 1] !== shared);
    expect(distinct).toEqual([
      'Ann Lee <p0@acme.com>, campaign c, revision 2',
      'synced',
      '',
      'Fit 77, intent high, by ai: Asks for a quote for 200 seats.',
      '     +  asks for a quote for 200 seats',
      '     ·  no budget named',
      '',
      'CRM salesforce: lead 00Q1, member 00v1',
      'Sent to salesforce at TIME: lead updated; member nothing to send, unchanged',
      '  Email            p0@acme.com',
      '  LastName         Ann Lee',
      '  RF_Fit_Score__c  77',
      '  RF_Reasoning__c  Asks for a quote for 200 seats.',
      '  Title            Head',
      '',
      'Timeline (times in UTC)',
      'HH:MM:SS             received',
      ...timeouts,
      fallback,
      shared,
      'HH:MM:SS  +T  dead-lettered in crm-sync after attempt 1: CRM_RECORD_REJECTED: The CRM refused the record (STRING_TOO_LONG). It answered: STRING_TOO_LONG: Title',
      `${beneath}sent: Email, LastName, RF_Fit_Score__c, RF_Reasoning__c, Title`,
      'HH:MM:SS  +T  edited by bea, now revision 2: title "Head of Everything" → "Head"',
      'HH:MM:SS  +T  replayed by bea',
      ...timeouts,
      fallback,
      'HH:MM:SS  +T  in the CRM: salesforce lead 00Q1, member 00v1',
      `${beneath}salesforce: lead created with Email, LastName, RF_Fit_Score__c, RF_Reasoning__c, Title; member`,
      `${beneath}  created`,
      'HH:MM:SS  +T  re-scored 77, intent high, by ai (model, prompt-1), before 50 by fallback',
      'HH:MM:SS  +T  CRM updated with the new score: salesforce lead 00Q1, member 00v1',
      `${beneath}salesforce: lead updated with RF_Fit_Score__c 50 → 77, RF_Reasoning__c "Not scored: the model`,
      `${beneath}  did not answer in time. A score follows when it works." → "Asks for a quote for 200 seats.";`,
      `${beneath}  member nothing to send, unchanged`,
    ]);
  });
});
