import { randomExponential, randomLcg, randomNormal } from 'd3-random';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { personKeyOf } from '../../src/domain/lead-keys.js';
import { FULL } from '../support/full.js';
import { outcomesWorld, type OutcomesWorld } from '../support/outcomes-world.js';
import { salesforceWorld } from '../support/salesforce-world.js';

const LEADS = FULL ? 5000 : 1500;
const DAY = 86_400_000;
const HORIZON = 90;
const NOW = Date.now();
const FIRST = NOW - 460 * DAY;
const signal = new AbortController().signal;

let world: OutcomesWorld;
let org: Awaited<ReturnType<typeof salesforceWorld>>;
beforeAll(async () => {
  world = await outcomesWorld();
  org = await salesforceWorld();
});
afterAll(async () => {
  await org.close();
  await world.close();
});

interface Person {
  email: string;
  score: number;
  syncedAt: Date;
  leadId: string;
  /** Milliseconds since 1970; Infinity where the person never converts. */
  convertsAt: number;
  /** The index of the person into whose Lead this one was merged. */
  mergedInto: number | null;
}

const probability = (score: number) => 0.5 / (1 + Math.exp(-(score - 60) / 10));

/** A year of leads whose scores drift half-way, with what becomes of each. */
function peopleOf(seed: number): Person[] {
  const random = randomLcg(seed);
  const normal = randomNormal.source(random);
  const delayDays = randomExponential.source(random)(1 / 40);
  return Array.from({ length: LEADS }, (_, index) => {
    const syncedAt = FIRST + ((index + 0.5) / LEADS) * 365 * DAY;
    const mean = index < LEADS / 2 ? 45 : 60;
    const score = Math.round(Math.min(100, Math.max(0, normal(mean, 20)())));
    const convertsAt = random() < probability(score) ? syncedAt + (1 + delayDays()) * DAY : Infinity;
    const email = `p${seed}-${index}@acme.com`;
    return { email, score, syncedAt: new Date(syncedAt), leadId: '', convertsAt, mergedInto: null };
  });
}

it('ends with a report that counts exactly what happened, within its intervals of the truth', { timeout: 300_000 }, async () => {
  const people = peopleOf(0.37);
  const { fake } = org;
  let now = FIRST - DAY;
  fake.setClock(() => now);
  await world.addSynced(people);
  // Its cursor begins with the ledger's oldest lead.
  const reader = world.reader((await org.open()).outcomes!);
  const poll = async () => {
    while (await reader.read(signal)) continue;
  };

  type Act = { at: number; run(): void | Promise<void> };
  const acts: Act[] = [];
  for (const [index, person] of people.entries()) {
    acts.push({
      at: person.syncedAt.getTime(),
      run: () => void (person.leadId = fake.addLead({ Email: person.email, RF_Person_Key__c: personKeyOf(person.email) })),
    });
    const before = people[index - 40];
    const mergeAt = person.syncedAt.getTime() + 2 * DAY;
    // Every 37th Lead is merged into an older one, where neither has converted by then.
    if (index % 37 === 0 && before && before.convertsAt > mergeAt && person.convertsAt > mergeAt && before.mergedInto === null) {
      person.mergedInto = index - 40;
      person.convertsAt = Infinity;
      acts.push({ at: mergeAt, run: () => fake.mergeLeads(before.leadId, person.leadId) });
    }
  }
  for (const [index, person] of people.entries()) {
    if (person.convertsAt > NOW) continue;
    const fields = {
      IsConverted: true,
      Status: 'Closed - Converted',
      ConvertedDate: new Date(person.convertsAt).toISOString().slice(0, 10),
    };
    acts.push(
      index % 53 === 0
        ? {
            // Its transaction began before a poll, and commits after it.
            at: person.convertsAt + 60_000,
            run: async () => {
              await poll();
              fake.commitLate(person.leadId, fields, person.convertsAt);
            },
          }
        : {
            at: person.convertsAt,
            run: () => void fake.convertLead(person.leadId, undefined, index % 2 ? undefined : fake.addOpportunity()),
          },
    );
  }
  for (let at = FIRST; at < NOW; at += 30 * DAY) acts.push({ at, run: poll });
  for (const { at, run } of acts.toSorted((a, b) => a.at - b.at)) {
    now = at;
    await run();
  }
  now = NOW;
  await poll();
  await poll();
  await world.copyScores();

  const report = await world.service.reportOn({ target: 'converted' });
  // Of a merged pair the older one counts, with what became of their one Lead.
  const counted = people.filter(({ mergedInto, syncedAt }) => mergedInto === null && syncedAt.getTime() <= NOW - HORIZON * DAY);
  const converted = counted.filter(({ convertsAt, syncedAt }) => convertsAt <= syncedAt.getTime() + HORIZON * DAY);
  expect(people.filter(({ mergedInto }) => mergedInto !== null).length).toBeGreaterThan(10);
  expect([report.overall.leads, report.overall.conversions]).toEqual([counted.length, converted.length]);
  for (const { from, to, leads, conversions } of report.bands) {
    const inBand = ({ score }: Person) => score >= from && score <= to;
    expect([from, leads, conversions]).toEqual([from, counted.filter(inBand).length, converted.filter(inBand).length]);
  }
  const expectedRate =
    counted.reduce((sum, { score }) => sum + probability(score) * (1 - Math.exp(-(HORIZON - 1) / 40)), 0) / counted.length;
  expect(report.overall.rate.low).toBeLessThan(expectedRate);
  expect(report.overall.rate.high).toBeGreaterThan(expectedRate);
  // The drift half-way is 275 days ago; the weeks of the report are stable since.
  expect(report.drift.weeks.filter(({ level }) => level === 'strong')).toEqual([]);
  const { outOfTime, calibrator } = await world.calibrations
    .fit('ann', 'converted')
    .then(({ fitted, calibrator: found }) => ({ ...fitted, calibrator: found }));
  expect(outOfTime[calibrator.method]!).toBeLessThan(outOfTime.raw);
});
