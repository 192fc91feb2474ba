import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enrichmentSchema } from '../../domain/enrichment.js';
import type { Intent } from '../../domain/intent.js';
import type { LeadContent } from '../../domain/lead.js';
import { HeuristicProvider, scoreLead } from './heuristic.provider.js';
import { SHIPPED_RULES } from './ruleset.js';

const score = (attributes: Record<string, string>, email = 'zaphod.b@acme.com') => scoreLead({ email, attributes });
const pointsOf = (scored: ReturnType<typeof score>) => scored.evidence.reduce((sum, { points }) => sum + points!, 0);

describe('whole leads', () => {
  const leads: [string, string, Record<string, string>, Intent, number, number][] = [
    [
      'the ideal customer',
      'z@acme.com',
      { jobTitle: 'VP Sales', Company: 'Acme', message: 'Please send pricing, we want a demo' },
      'high',
      90,
      100,
    ],
    [
      'a buyer on free mail',
      'z@gmail.com',
      { 'lead.title': 'CEO', comments: 'Can you send a quote for 30 users?' },
      'high',
      60,
      90,
    ],
    ['a demo form without words', 'z@acme.com', { form: 'demo_request', title: 'Manager' }, 'high', 55, 80],
    ['a webinar guest', 'z@acme.com', { utm_source: 'webinar' }, 'medium', 35, 60],
    ['a reader', 'z@gmail.com', { utm_campaign: 'whitepaper-2026' }, 'low', 15, 35],
    ['a bought list', 'z@acme.com', { lead_source: 'list_import' }, 'low', 20, 45],
    ['a throw-away address', 'z@mailinator.com', { message: 'free trial' }, 'high', 0, 20],
    ['a person without a request', 'z@acme.com', { first_page: '/' }, 'unknown', 30, 50],
    ['a talk about the weather', 'z@acme.com', { message: 'The weather is nice.' }, 'unknown', 30, 50],
    ['an assistant to the CEO', 'z@acme.com', { title: 'Assistant to the CEO' }, 'unknown', 30, 45],
    ['a student by title', 'z@mit.edu', { title: 'PhD student' }, 'none', 0, 15],
    ['a student by message', 'z@mit.edu', { message: 'I am writing my thesis on pricing, could I get a demo?' }, 'none', 0, 15],
    ['a job seeker', 'z@gmail.com', { message: 'Are you hiring? My CV is attached.' }, 'none', 0, 10],
    ['a job seeker on the careers page', 'z@gmail.com', { page: '/careers' }, 'none', 0, 10],
    ['a seller', 'z@seo.biz', { message: 'We offer SEO services. Can we schedule a call about pricing?' }, 'none', 0, 20],
    ['a guest poster', 'z@gmail.com', { message: 'Do you accept a guest post?' }, 'none', 0, 5],
    ['a supplier with a need', 'z@fr8.eu', { message: 'We offer freight in Europe and need a CRM.' }, 'high', 45, 80],
    ['a customer in trouble', 'z@acme.com', { message: 'I cannot log in, please reset my password' }, 'none', 0, 40],
    ['one who declines', 'z@acme.com', { title: 'CEO', message: 'We are not interested.' }, 'none', 0, 50],
    ['one who declines a demo', 'z@acme.com', { message: "We don't need a demo." }, 'none', 0, 35],
    ['one without a budget', 'z@acme.com', { message: 'We have no budget.' }, 'low', 0, 45],
    ['one who has no problem', 'z@acme.com', { message: 'No problem, a demo next week suits us.' }, 'high', 55, 95],
    ['one who changes the subject', 'z@acme.com', { message: 'Not interested in the blog, but we need pricing' }, 'high', 20, 80],
    ['one who left', 'z@acme.com', { message: 'I wanted a demo, but we went with a competitor.' }, 'none', 0, 45],
    ['an idle demo form', 'z@acme.com', { form: 'Book a demo', message: 'Just browsing' }, 'medium', 30, 65],
    ['answers in fields', 'z@acme.com', { budget: '50k', timeline: '3 months' }, 'high', 50, 95],
  ];
  it.each(leads)('%s', (_who, email, attributes, intent, least, most) => {
    const scored = score(attributes, email);
    expect(scored.intent).toBe(intent);
    expect(scored.fitScore).toBeGreaterThanOrEqual(least);
    expect(scored.fitScore).toBeLessThanOrEqual(most);
  });

  it('come back under the name and version of the rules', async () => {
    const scored = await new HeuristicProvider().score({ email: 'z@acme.com', attributes: {} } as unknown as LeadContent);
    expect(scored).toMatchObject({ provider: 'heuristic', scoreSource: 'heuristic', needsRescore: false, flags: [] });
    expect(scored.scorerVersion).toBe(SHIPPED_RULES.version);
    expect(SHIPPED_RULES.version).toMatch(/^heuristic-[0-9a-f]{12}$/);
  });
});

describe('paraphrases', () => {
  const families: Record<string, [Intent, string[]]> = {
    demo: [
      'high',
      ['Could someone walk me through the product?', 'We would love to see it in action', 'Wir hätten gerne eine Vorführung'],
    ],
    price: ['high', ['How much do you charge?', 'Was kostet das?', 'Pourriez-vous nous envoyer un devis ?', '¿Cuánto cuesta?']],
    leaving: [
      'high',
      ['Our HubSpot contract runs out in March', 'Seeking a replacement for Pipedrive', 'We outgrew our spreadsheets'],
    ],
    contact: ['high', ['Please call me back', 'Rufen Sie mich bitte an', 'Could I talk to someone in sales?']],
    need: [
      'high',
      ['We are evaluating vendors', 'Wir suchen eine CRM-Lösung', 'Nous cherchons un outil', 'Buscamos una herramienta'],
    ],
    learning: ['medium', ['I would like to learn more', 'Does it work with Marketo?', 'Leads slip through the cracks here.']],
    idle: ['low', ['Just poking around', 'Maybe next year', 'I only wanted the whitepaper', 'Not urgent at all']],
    refusal: [
      'none',
      [
        'Please unsubscribe me',
        'We no longer require your product',
        "We'll pass.",
        'Kein Interesse',
        'No need to call.',
        'Wir brauchen keine Demo',
        'No nos interesa',
      ],
    ],
    negated: [
      'none',
      ['Eine Demo brauchen wir nicht', 'A demo is not needed', 'Please do not call me', "Nous n'avons pas besoin d'une démo"],
    ],
    notDenied: [
      'high',
      [
        "Can't wait to see the demo",
        "Couldn't find pricing on your site",
        "Don't hesitate to call me",
        'Not only pricing, a pilot too',
      ],
    ],
    job: [
      'none',
      ['Looking for a summer internship', 'Ich möchte mich bewerben, Lebenslauf anbei', 'Busco trabajo como comercial'],
    ],
    pitch: ['none', ['We can get you on the first page of Google', 'Would you be interested in a verified list of leads?']],
    buyersLikeIt: ['high', ["We're hiring 20 reps and need a CRM", 'We are an SEO agency of 40 people and need a CRM']],
  };
  const cases = Object.entries(families).flatMap(([family, [intent, texts]]) =>
    texts.map((text) => [family, text, intent] as const),
  );
  it.each(cases)('%s: %s', (_family, message, intent) => {
    expect(score({ message }).intent).toBe(intent);
  });
});

describe('points', () => {
  it('gives one cue the same points in every lead', () => {
    const messages = [
      'Could you send us a quote?',
      'A quote please, and a demo, and a trial.',
      'Quote? Not urgent, just browsing.',
    ];
    const points = messages.map(
      (message) => score({ message }).evidence.find(({ signal }) => signal.includes('asks for prices or a quote'))!.points,
    );
    expect(new Set(points).size).toBe(1);
  });

  it('lists the limit of the scale as an item', () => {
    const best = { title: 'VP Sales', company: 'Acme', industry: 'software', employees: '300', source: 'demo request' };
    const scored = score({ ...best, message: 'We are ready to buy 200 seats and need a demo and prices this week' });
    expect(scored.fitScore).toBe(100);
    expect(scored.evidence.at(-1)).toMatchObject({ signal: 'limit of the scale: 100', polarity: 'negative' });
  });

  it.each([['Head of'], ['Director of Marketing'], ['Head of Sales'], ['Sales'], ['']])(
    'reads well for the title %j',
    (title) => {
      expect(score({ title }).reasoning).not.toMatch(/\bof (?:in|,)|in in|no telling/);
    },
  );
});

describe('titles', () => {
  it.each([
    ['C.E.O. & Founder', 'C-level'],
    ['SVP Marketing', 'VP'],
    ['V.P. of Sales', 'VP'],
    ['Sr. Dir., Demand Gen', 'director'],
    ['Directeur général', 'C-level'],
    ['Vertriebsleiterin', 'director'],
    ['Geschäftsführer', 'C-level'],
    ['EA to CEO', 'assistant'],
    ['Manager, Office of the CEO', 'manager'],
    ['Product Owner', 'specialist'],
    ['Account Executive', 'specialist'],
    ['Director of Student Affairs', 'director'],
    ['Marketing Intern', 'intern'],
    ['Student Success Manager', 'manager'],
    ['Former CEO', 'former'],
    ['Responsabile vendite', 'manager'],
    ['Direttore commerciale', 'director'],
  ])('%s is read as %s', (title, label) => {
    expect(
      score({ title })
        .evidence.map(({ signal }) => signal)
        .join(),
    ).toContain(`title: ${label}`);
  });

  it('are found under any spelling of their key', () => {
    const [first, ...others] = ['title', 'Job Title', 'job_title', 'jobTitle', 'lead.title', 'contact.Job Title'].map((key) =>
      score({ [key]: 'CTO' }),
    );
    for (const other of others) expect(other).toEqual(first);
    expect(score({ 'page.title': 'CTO' })).toEqual(score({}));
  });
});

describe('reasoning', () => {
  it('says why nothing is known', () => {
    expect(score({}).reasoning).toBe('Intent unknown: no message and source unknown; title unknown, corporate domain acme.com.');
  });

  it('names the wish and the role', () => {
    const { reasoning } = score({ title: 'VP Sales', message: 'We want a demo and pricing' });
    expect(reasoning).toBe(
      'High intent: asks for a demo and asks for prices or a quote; VP in sales or revenue, corporate domain acme.com.',
    );
  });
});

describe('whatever is sent', () => {
  const key = fc.oneof(
    fc.constantFrom('title', 'message', 'Company Name', 'lead.source', 'employees', 'industry', 'budget'),
    fc.string(),
  );
  const phrases = fc.constantFrom(
    'demo',
    'not',
    "don't",
    'we need a CRM',
    'pricing',
    'but',
    '.',
    ',',
    'VP',
    '$50k',
    'guest post',
    'no',
    'my CV',
    '1,000',
  );
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(phrases, { maxLength: 40 }).map((list) => list.join(' ')),
  );
  const attributes = fc.dictionary(key, value, { maxKeys: 12 });

  it('gives a valid score that adds up, the same each time and in any order', () => {
    fc.assert(
      fc.property(attributes, fc.oneof(fc.emailAddress(), fc.string()), (sent, email) => {
        const scored = score(sent, email);
        expect(enrichmentSchema.parse(scored)).toEqual(scored);
        expect(pointsOf(scored)).toBe(scored.fitScore);
        expect(scored.evidence[0]).toMatchObject({ signal: 'base score' });
        expect(scored.confidence).toBeLessThanOrEqual(0.75);
        expect(score(Object.fromEntries(Object.entries(sent).toReversed()), email)).toEqual(scored);
      }),
    );
  });

  it('sums the reasons beyond the tenth in one line', () => {
    const message =
      'Demo, pricing and a trial, RFP. No budget, no rush, just browsing. Reset my password. Not interested. My thesis. Are you hiring? Guest post.';
    const scored = score(
      { message, title: 'VP Sales', company: 'Acme', industry: 'Software', employees: '250', source: 'webinar' },
      'info@acme.com',
    );
    expect(scored.evidence).toHaveLength(11);
    expect(scored.evidence.at(-1)!.signal).toMatch(/^other signals/);
    expect(pointsOf(scored)).toBe(scored.fitScore);
  });

  it('repeats neither name, phone nor local part', () => {
    const message = 'Zaphod Beeblebrox here, call me on 555-0100 or zaphod.b@acme.com about a demo for my friend Trillian';
    expect(JSON.stringify(score({ message, title: 'Zaphod, CEO', company: 'Zaphod Ltd', name: 'Zaphod' }))).not.toMatch(
      /zaphod|555|trillian/i,
    );
  });

  it.each([
    ['need '],
    ["don't "],
    ['a.'],
    ['.'],
    ['we need a '],
    ['x'],
    ['not a demo, '],
    ['ﷺ'],
    ['demo '],
    ['1,0 - '],
    ['score me 100\n'],
  ])('reads 64 KiB of %j', (piece) => {
    const started = process.cpuUsage();
    score({ message: piece.repeat(65_536 / piece.length), title: piece.repeat(30_000) });
    expect(process.cpuUsage(started).user).toBeLessThan(1_000_000); // microseconds of CPU time, whatever else runs
  });
});
