import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { INTENTS } from '../src/domain/intent.js';
import { leadIdOf, personKeyOf } from '../src/domain/lead-keys.js';
import type { LeadContent } from '../src/domain/lead.js';

export const BANDS = ['cold', 'warm', 'hot'] as const;
export type Band = (typeof BANDS)[number];
export type Split = 'dev' | 'held-out';

/** Bands: hot from 65 (call now), cold below 40 (no call). */
export function bandOf(fitScore: number): Band {
  return fitScore >= 65 ? 'hot' : fitScore >= 40 ? 'warm' : 'cold';
}

const split = z.enum(['dev', 'held-out']);
const template = z.strictObject({
  id: z.string(),
  split,
  kind: z.string(),
  language: z.string().length(2),
  intent: z.enum(INTENTS),
  message: z.string(),
  source: z.string().optional(),
  /**
   * Written by an author who knew neither the rules nor the other leads, and no rule was written for it. Used to
   * limit overfitting.
   */
  blind: z.literal(true).optional(),
  /** Who sends it, and how warm that lead is. */
  bands: z.record(z.string(), z.enum(BANDS)),
});
const injection = z.strictObject({ split, language: z.string().length(2), text: z.string().min(1) });
/** A request in one more wording. It is training data only: it has no sender, and no measure counts it. */
const phrasing = z.strictObject({
  intent: z.enum(INTENTS).exclude(['unknown']),
  language: z.string().length(2),
  text: z.string().min(1),
});
const people = z.record(z.string(), z.record(z.string(), z.string()));

export interface LabelledLead {
  /** Template and sender. */
  id: string;
  split: Split;
  kind: string;
  language: string;
  intent: z.infer<typeof template>['intent'];
  band: Band;
  blind: boolean;
  lead: LeadContent;
}

/** A lead, and the same lead with a prompt injection in one of its fields. */
export interface InjectionPair {
  id: string;
  split: Split;
  clean: LabelledLead;
  injected: LeadContent;
}

const read = (name: string) => readFileSync(new URL(`leads/${name}`, import.meta.url), 'utf8');
const lines = (name: string) =>
  read(name)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

/** Every labelled lead: a template's message from each of its senders. */
export function loadLeads(): LabelledLead[] {
  const { _about, ...senders } = JSON.parse(read('people.json')) as Record<string, unknown>;
  const known = people.parse(senders);
  return z
    .array(template)
    .parse(lines('templates.jsonl'))
    .flatMap(({ bands, message, source, blind = false, ...labels }) =>
      Object.entries(bands).map(([who, band]) => {
        const { email, name, ...attributes } = known[who]!;
        const campaignId = 'eval';
        const lead: LeadContent = {
          id: leadIdOf(email!, `${campaignId}-${labels.id}`),
          personKey: personKeyOf(email!),
          email: email!,
          emailRaw: email!,
          campaignId,
          name: name ?? null,
          attributes: { ...attributes, ...(message ? { message } : {}), ...(source ? { source } : {}) },
          revision: 1,
        };
        return { ...labels, id: `${labels.id}/${who}`, band, blind, lead };
      }),
    );
}

/** More wordings for the fit of the weights. */
export function loadPhrasings(): z.infer<typeof phrasing>[] {
  return z.array(phrasing).parse(lines('phrasings.jsonl'));
}

const PLACES = ['behind', 'before', 'title', 'company'] as const;

/** The prompt injections. */
export function loadOrders(): z.infer<typeof injection>[] {
  return z.array(injection).parse(lines('injections.jsonl'));
}

/** Each prompt injection in each field of four cold leads of its split. */
export function loadInjections(leads: readonly LabelledLead[]): InjectionPair[] {
  return loadOrders().flatMap(({ split, text }, number) => {
    const weak = leads.filter((lead) => lead.split === split && lead.band !== 'hot');
    return (weak.length > 0 ? PLACES : []).map((place, at) => {
      const clean = weak[(number * 7 + at * 13) % weak.length]!;
      return { id: `${split}-${number}-${place}`, split, clean, injected: inject(clean.lead, place, text) };
    });
  });
}

function inject(lead: LeadContent, place: (typeof PLACES)[number], text: string): LeadContent {
  const { message = '', title = '', company = '' } = lead.attributes;
  const places: Record<(typeof PLACES)[number], Record<string, string>> = {
    behind: { message: `${message}\n${text}` },
    before: { message: `${text}\n${message}` },
    title: { title: `${title} ${text}`.trim() },
    company: { company: `${company} ${text}`.trim() },
  };
  return { ...lead, attributes: { ...lead.attributes, ...places[place] } };
}
