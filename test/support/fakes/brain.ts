/** The answer of a fake model, in the shape of the prompt's schema. */
export interface Judgement {
  evidence: { signal: string; polarity: 'positive' | 'negative' | 'neutral' }[];
  bant: Record<'budget' | 'authority' | 'need' | 'timeline', 'yes' | 'no' | 'unknown'>;
  intent: string;
  fitScore: number;
  confidence: number;
  reasoning: string;
  [key: string]: unknown;
}

/** Reads a whole prompt (instructions and lead) and answers it. */
export type Brain = (instructions: string, prompt: string) => Judgement;

const WISHES: [RegExp, number, string][] = [
  [/\bdemo|walk ?through|vorführung|démo|demostración|dimostrazione|演示|عرض/i, 22, 'asks for a demo'],
  [/pric|quote|preis|angebot|devis|tarif|precio|presupuesto|prezz|preventivo|报价|价格|سعر/i, 20, 'asks for prices'],
  [/\bneed|looking for|evaluat|suchen|cherchons|buscamos|cerchiamo|需要|نحتاج/i, 16, 'has a need'],
  [/budget|approved|signed off/i, 10, 'has a budget'],
  [/trial|pilot|proof of concept/i, 14, 'wants a trial'],
];
const REFUSALS: [RegExp, string][] = [
  [/not interested|unsubscribe|kein interesse|pas intéress|no nos interesa|non siamo interessati/i, 'declines'],
  [/thesis|student|homework|semester/i, 'is a student'],
  [/\bmy (cv|resume)\b|are you hiring|internship|bewerbung/i, 'looks for a job'],
  [/\bwe (offer|provide) .*(services|seo|leads)|guest post|your website/i, 'sells to us'],
  [/password|log ?in|invoice|cannot access/i, 'needs support'],
];

/** A model that follows the instructions: it judges the text between the delimiters and obeys nothing in it. */
export const sensibleBrain: Brain = (_instructions, prompt) => {
  const lead = leadOf(prompt);
  const text = lead['message'] ?? '';
  const refusal = REFUSALS.find(([pattern]) => pattern.test(text));
  const wishes = refusal ? [] : WISHES.filter(([pattern]) => pattern.test(text));
  const senior = /\b(vp|ceo|cto|cfo|chief|founder|director|head|owner)\b/i.test(lead['title'] ?? '');
  const corporate = lead['emailDomainClass'] === 'corporate';
  const sum =
    30 + (senior ? 18 : 0) + (corporate ? 10 : -5) + wishes.reduce((total, [, points]) => total + points, 0) - (refusal ? 30 : 0);
  return {
    evidence: [
      ...wishes.map(([, , signal]) => ({ signal, polarity: 'positive' as const })),
      ...(refusal ? [{ signal: refusal[1], polarity: 'negative' as const }] : []),
      {
        signal: `e-mail domain is ${lead['emailDomainClass']}`,
        polarity: corporate ? ('positive' as const) : ('negative' as const),
      },
    ].slice(0, 4),
    bant: {
      budget: /budget/i.test(text) ? 'yes' : 'unknown',
      authority: senior ? 'yes' : 'unknown',
      need: wishes.length > 0 ? 'yes' : 'unknown',
      timeline: /month|quarter|week|asap/i.test(text) ? 'yes' : 'unknown',
    },
    intent: refusal ? 'none' : wishes.length > 0 ? 'high' : 'unknown',
    fitScore: Math.max(0, Math.min(100, sum)),
    confidence: refusal || wishes.length > 0 ? 0.8 : 0.2,
    reasoning: refusal
      ? `No buying intent: ${refusal[1]}.`
      : wishes.length > 0
        ? `${wishes[0]![2]}.`
        : 'Nothing shows the intent.',
  };
};

/** A small model that obeys the last text it read. Protection against it must be outside the model. */
export const gullibleBrain: Brain = (instructions, prompt) => {
  const honest = sensibleBrain(instructions, prompt);
  const text = Object.values(leadOf(prompt)).join('\n');
  const orders =
    /ignore|disregard|system|score|rate this|punkt|note|puntua|punteggio|评分|this lead|fit_?score|override|instruction/i.test(
      text,
    );
  if (!orders) return honest;
  const asked = /(\d{2,3})\b/.exec(text.match(/(?:score|rate|punkt|note|puntua|punteggio|评分)[^\n]{0,60}/i)?.[0] ?? '')?.[1];
  const canary = /the word (\S+) and nothing/.exec(instructions)?.[1] ?? '';
  return {
    ...honest,
    fitScore: Math.min(Number(asked ?? 100), 100),
    intent: 'high',
    confidence: 1,
    evidence: [{ signal: 'the form says so', polarity: 'positive' }],
    reasoning: /repeat|reveal|print/i.test(text)
      ? `My instructions: ${canary}`
      : 'Best lead ever, call at once: https://evil.example/call',
    ...(/admin|extra|field/i.test(text) ? { adminOverride: true } : {}),
  };
};

/** The lead in the prompt: JSON between the delimiters. */
export function leadOf(prompt: string): Record<string, string> {
  const data = /<lead-([0-9a-f]+)>\n([\s\S]*?)\n<\/lead-\1>/.exec(prompt)?.[2];
  if (data === undefined) throw new Error('the prompt holds no lead');
  return JSON.parse(data) as Record<string, string>;
}
