import { getDomain } from 'tldts';
import { isConsumerDomain } from '../crm/consumer-domains.js';
import { enrichmentSchema } from '../domain/enrichment.js';
import { INTENTS } from '../domain/intent.js';
import { closestName } from '../platform/http/closest-name.js';
import { countryCode } from './country-codes.js';
import { domainWord } from './domain-words.js';
import { postalProblem } from './postal-codes.js';
import type { ConditionSource, RoutingRules } from './rules.schema.js';
import { weekdaysOf } from './working-calendar.js';

type Add = (path: string, message: string) => void;

const BANDS = ['cold', 'warm', 'hot'];
/** Values of fields that have no others. */
const VALUES: Record<string, readonly string[]> = { band: BANDS, 'enrichment.intent': INTENTS };
const FIELDS = [
  ...Object.keys(enrichmentSchema.shape).map((key) => `enrichment.${key}`),
  ...['id', 'ownerId', 'name', 'type', 'industry'].map((key) => `account.${key}`),
];
/** Values of one list that are named. */
const NAMED = 5;

/** Fields and values that no lead can have, so that a rule which looks right never matches. */
export function checkValues(rules: RoutingRules, add: Add): void {
  checkTargets(rules.targets, add);
  rules.reps.forEach(({ hours = {} }, index) => checkHours(Object.keys(hours), `reps[${index}].hours`, add));
  rules.territories.forEach(({ countries = [], bands = [], postalCodes = [] }, index) => {
    const path = `territories[${index}]`;
    addNamed(countries.filter(isNoCountry), (names) => add(`${path}.countries`, noCountry(names)));
    checkListed('band', bands, `${path}.bands`, add);
    for (const problem of postalCodes
      .map(postalProblem)
      .filter((each) => each !== null)
      .slice(0, NAMED))
      add(`${path}.postalCodes`, problem);
  });
  rules.rules.forEach(({ when }, index) => checkCondition(when, `rules[${index}].when`, add));
}

/** `mon-fri` and `wed`: the hours of Wednesday are all that both say, which is rarely meant. */
function checkHours(keys: string[], path: string, add: Add): void {
  const seen = new Map<number, string>();
  for (const key of keys) {
    const days = weekdaysOf(key) ?? [];
    const other = days.map((day) => seen.get(day)).find((each) => each !== undefined);
    if (other !== undefined) add(path, `\`${other}\` and \`${key}\` name the same day, which has the hours of both`);
    for (const day of days) seen.set(day, key);
  }
}

function checkTargets(targets: RoutingRules['targets'], add: Add): void {
  const listed = new Map<string, string>();
  targets.forEach(({ name, domains }, index) => {
    const path = `targets[${index}].domains`;
    const words = domains.map(domainWord);
    addNamed(
      words.filter((word) => getDomain(word) === null),
      (names) => add(path, `${names} is the domain of no company`),
    );
    addNamed(words.filter(isConsumerDomain), (names) =>
      add(path, `${names} is a mail provider, whose users are of many companies`),
    );
    const twice = words.filter((word) => listed.has(word) && listed.get(word) !== name);
    addNamed(twice, (names) => add(path, `${names} is also in \`${listed.get(twice[0]!)}\` above, which decides`));
    for (const word of words) if (!listed.has(word)) listed.set(word, name);
  });
}

function checkCondition({ all, any, not, ...leaf }: ConditionSource, path: string, add: Add): void {
  all?.forEach((part, index) => checkCondition(part, `${path}.all[${index}]`, add));
  any?.forEach((part, index) => checkCondition(part, `${path}.any[${index}]`, add));
  if (not) checkCondition(not, `${path}.not`, add);
  const { field, eq, in: list, gte, lte, matchesDomain } = leaf;
  if (field === undefined) return;
  const [section = '', key = ''] = field.split('.');
  if ((section === 'enrichment' || section === 'account') && !FIELDS.includes(`${section}.${key}`)) {
    const meant = closestName(field, FIELDS);
    add(`${path}.field`, `\`${field}\` is a field that no lead has${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  const values = [...(eq === undefined ? [] : [eq]), ...(list ?? [])].map(String);
  checkListed(field, values, path, add);
  if (/(?:^|\.)country$/iu.test(field)) addNamed(values.filter(isNoCountry), (names) => add(path, noCountry(names)));
  if (gte !== undefined && lte !== undefined && gte > lte) add(path, `no number is at least ${gte} and at most ${lte}`);
  const domains = matchesDomain === undefined ? [] : [matchesDomain].flat().map(domainWord);
  addNamed(
    domains.filter((domain) => !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/u.test(domain)),
    (names) => add(path, `${names} is no domain`),
  );
}

function checkListed(field: string, values: readonly string[], path: string, add: Add): void {
  const known = VALUES[field];
  if (!known) return;
  addNamed(
    values.filter((value) => !known.includes(value.trim().toLowerCase())),
    (names) => add(path, `${names} is none of ${known.join(', ')}`),
  );
}

const isNoCountry = (text: string) => countryCode(text) === null;
const noCountry = (names: string) => `${names} is no country that is known here`;

/** At most five by name. */
function addNamed(found: readonly string[], addAs: (names: string) => void): void {
  const names = [...new Set(found)];
  if (names.length === 0) return;
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  addAs(
    names
      .slice(0, NAMED)
      .map((name) => `\`${name}\``)
      .join(', ') + more,
  );
}
