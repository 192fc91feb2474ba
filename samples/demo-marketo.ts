import Table from 'cli-table3';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { tokenOf, webhookSecretOf } from '../src/cli/connection.js';
import { FAKE_MARKETO_ID, FAKE_MARKETO_SECRET, FakeMarketo } from '../test/support/fakes/marketo/index.js';
import type { CallFate } from '../test/support/fakes/marketo/trigger-campaigns.js';

interface Step {
  url: string;
  say(line: string): void;
  signal: AbortSignal;
}

const CAMPAIGN = 987;
const WITHIN_MS = 90_000;
/** The comparison leaves calls of the last two minutes alone, so the clock of this Marketo is behind. */
const CLOCK_BEHIND_MS = 150_000;

/** Who fills out the form, and what happens to Marketo's call. */
const FORMS = [
  ['Ann', 'Lee', 'ann.lee@northwind-freight.com', 'Northwind Freight', 'VP Sales', 'Please show us a demo next week.'],
  ['Bo', 'Meyer', 'bo.meyer@acme-tools.de', 'Acme Tools', 'CTO', 'What does it cost for 200 users?'],
  ['Cleo', 'Diaz', 'cleo.diaz@gmail.com', '', 'Student', 'I need this for my thesis.'],
  ['Dan', 'Roy', 'dan.roy@contoso-bank.com', 'Contoso Bank', 'Head of IT', 'Just downloading the paper.'],
  ['Eve', 'Sato', 'eve.sato@fabrikam.co.jp', 'Fabrikam', 'Director', 'We want to buy this quarter. Can someone call me?'],
  ['Finn', 'Okoro', 'finn@tailspin-toys.com', 'Tailspin Toys', 'Buyer', ''],
].map(([firstName = '', lastName = '', email = '', company = '', title = '', comments = ''], index) => {
  const fate: CallFate = index === 4 ? 'lost' : index === 5 ? 'answer-lost' : 'arrives';
  return { firstName, lastName, email, company, title, comments, fate };
});

/** The template of docs/marketo.md with what the scorer should know; the field map has the same fields for a repair. */
const TEMPLATE =
  '{"email": {{lead.Email Address}}, "name": {{lead.Full Name}}, "campaign_id": {{campaign.id}}, "marketo_id": {{lead.Id}}, ' +
  '"company": {{company.Company Name}}, "title": {{lead.Job Title}}, "message": {{lead.Comments}}}';

const runSchema = z.object({ id: z.string(), state: z.string(), classes: z.record(z.string(), z.number()) });
type Run = z.output<typeof runSchema>;
const foundSchema = z.object({ items: z.array(z.object({ state: z.string() })) });

/** A Marketo of our own with the settings that connect a service to it. */
export async function startDemoMarketo() {
  const fake = await FakeMarketo.start({ now: () => Date.now() - CLOCK_BEHIND_MS });
  const env = {
    MARKETO_BASE_URL: fake.url,
    MARKETO_CLIENT_ID: FAKE_MARKETO_ID,
    MARKETO_CLIENT_SECRET: FAKE_MARKETO_SECRET,
    MARKETO_WEBHOOK: 'RevenueFlow',
    MARKETO_RECONCILE: 'report',
    MARKETO_EXTRACT: 'off',
    MARKETO_FIELD_MAP: join(import.meta.dirname, 'marketo-field-map.json'),
  };
  return { fake, env };
}

/**
 * The whole circle: form, webhook, score, CRM, fields in Marketo, and the comparison that finds the call that was lost.
 * @returns what was not as it should be, one sentence each.
 */
export async function showMarketo(fake: FakeMarketo, { url, say, signal }: Step): Promise<string[]> {
  const secret = webhookSecretOf(process.env);
  const campaigns = fake.campaigns({
    url: `${url}/leads`,
    headers: secret ? { 'X-Webhook-Secret': secret } : {},
    template: TEMPLATE,
    mappings: [{ attribute: 'status', field: 'rfStatus' }],
  });
  const people = FORMS.map(({ fate, ...person }) => ({ ...person, fate, id: fake.people.add(person) }));
  say(`\n${people.length} people fill out a form. A trigger campaign calls the webhook for each; one call is lost on its way.`);
  await Promise.all(people.map(({ id, fate }) => campaigns.run({ personId: id, campaignId: CAMPAIGN, fate })));
  const isScored = ({ id }: { id: number }) => typeof fake.people.get(id)?.['rfFitScore'] === 'number';
  const arrived = people.filter(({ fate }) => fate !== 'lost');
  await until(() => arrived.every(isScored), signal);
  say(`${arrived.filter(isScored).length} of ${arrived.length} scores are in Marketo. Its log of webhook calls is compared now.`);
  const repair = await reconciled(url, true, signal);
  await until(() => people.every(isScored), signal);
  const after = await reconciled(url, false, signal);
  const states = await Promise.all(people.map(({ email }) => stateOf(url, email, signal)));

  const table = new Table({
    head: ['person', 'call', 'lead', 'rfFitScore', 'rfIntent', 'rfReason'],
    style: { head: [], border: [] },
  });
  for (const [index, { firstName, lastName, id, fate }] of people.entries()) {
    const field = (name: string) => String(fake.people.get(id)?.[name] ?? '-');
    table.push([
      `${firstName} ${lastName}`,
      fate,
      states[index] ?? '-',
      field('rfFitScore'),
      field('rfIntent'),
      field('rfReason').slice(0, 60),
    ]);
  }
  say(`\n${table.toString()}`);
  say(`The comparison: ${classesOf(repair)}. Compared once more, ${after.classes['missing'] ?? 0} calls are missing.`);
  return [
    ...people.filter((person) => !isScored(person)).map(({ email }) => `The score of ${email} is not in Marketo.`),
    ...people.filter((_, index) => states[index] !== 'synced').map(({ email }) => `The lead of ${email} is not in the CRM.`),
    ...((repair.classes['repaired'] ?? 0) === 1 ? [] : ['The comparison has not taken in the lost call, and it alone.']),
    ...((after.classes['missing'] ?? 0) === 0 ? [] : ['Calls are still missing after the repair.']),
  ];
}

function classesOf({ classes }: Run): string {
  return Object.entries(classes)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

async function reconciled(url: string, repair: boolean, signal: AbortSignal): Promise<Run> {
  let run = runSchema.parse(await ask(url, 'POST', '/ops/marketo/reconcile', { repair }, signal));
  await until(async () => {
    run = runSchema.parse(await ask(url, 'GET', `/ops/marketo/runs/${run.id}`, undefined, signal));
    return run.state === 'done';
  }, signal);
  return run;
}

async function stateOf(url: string, email: string, signal: AbortSignal): Promise<string | undefined> {
  let state: string | undefined;
  await until(async () => {
    state = foundSchema.parse(await ask(url, 'POST', '/ops/leads/search', { email }, signal)).items[0]?.state;
    return state === 'synced';
  }, signal);
  return state;
}

/** Waits for a fact; the caller looks again where the time is up. */
async function until(holds: () => boolean | Promise<boolean>, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  while (!(await holds()) && Date.now() < deadline) await sleep(200, undefined, { signal });
}

async function ask(url: string, method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
  const secret = tokenOf(process.env);
  const answer = await fetch(`${url}${path}`, {
    method,
    signal,
    headers: { 'content-type': 'application/json', ...(secret ? { authorization: `Bearer ${secret}` } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}
