import { AppError, type FieldProblem } from '../domain/app-error.js';
import { describeCharacter, positionOf } from '../domain/describe-character.js';
import { readEmail } from '../domain/email-address.js';
import { normaliseCampaignId } from '../domain/lead-keys.js';
import type { IntakeNote, LeadInput } from '../domain/lead.js';
import { ExactNumber } from '../platform/http/exact-json.js';
import { unwrapBody } from '../platform/http/unwrap-body.js';
import { firstBroken, firstReplaced } from './clean-text.js';
import { flatten, isBlank, keptText, scalarText } from './flatten.js';
import { IntakeNotes } from './intake-notes.js';
import { isPlaceholder, tokenIn, withoutEmptyNames } from './placeholders.js';

export const MAX_CAMPAIGN_ID = 255;
export const MAX_NAME = 500;

/**
 * Reads a parsed body as a lead.
 * @param earlier what was noticed about the body before it was parsed.
 * @throws AppError INVALID_BODY where it is no object, INVALID_LEAD with one problem per field.
 */
export function parseLead(sent: unknown, earlier: IntakeNote[] = []): LeadInput {
  const { body, around } = unwrapBody(sent);
  if (Array.isArray(body) && body.length > 1) {
    throw new AppError('INVALID_BODY', `The body is a list of ${body.length}. No lead was stored. Send one lead per request.`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body) || body instanceof ExactNumber) {
    throw new AppError('INVALID_BODY', 'The body must be one JSON object or one form, e.g. {"email": "…", "campaign_id": "…"}.');
  }
  const notes = new IntakeNotes(earlier);
  if (around !== null) notes.add('encoding', '', `the lead was inside of ${around}`);
  const {
    email: rawEmail,
    campaign_id: rawCampaign,
    name: sentName,
    ...others
  } = withKnownNames(body as Record<string, unknown>);
  const { name: rawName, rest } = namePartsOf(onlyOf(sentName), others);
  const { fields, problems } = flatten(rest, notes);
  // Then U+FFFD stands for bytes that were lost, and a key must not be made of it.
  const isCut = earlier.some(({ kind }) => kind === 'character');
  const email = parseEmail(onlyOf(rawEmail), problems, notes, isCut, () => namedLike(/e-?mail/i, fields));
  noteOddities(rawCampaign, notes);
  const campaignId = parseCampaignId(onlyOf(rawCampaign), problems, isCut, () => namedLike(/campaign|kampagne/i, fields));
  const name = parseName(rawName, problems, notes);
  if (problems.length > 0) {
    const list = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
    throw new AppError('INVALID_LEAD', `No lead was stored. ${list}.`.slice(0, 2000), { problems: problems.slice(0, 50) });
  }
  const noted = notes.list();
  return { ...email, campaignId, name, attributes: fields, ...(noted ? { notes: noted } : {}) };
}

const KNOWN_NAMES = ['email', 'campaign_id', 'name'] as const;

/**
 * `Email` and `campaignId` as `email` and `campaign_id`, where the field itself is missing and only one other spelling
 * is there. With two spellings nothing says which one is meant.
 */
function withKnownNames(body: Record<string, unknown>): Record<string, unknown> {
  if (KNOWN_NAMES.every((known) => isGiven(body[known]))) return body;
  let named = body;
  for (const known of KNOWN_NAMES) {
    if (isGiven(named[known])) continue;
    const spellings = Object.keys(named).filter((key) => key !== known && plain(key) === plain(known) && isGiven(named[key]));
    if (spellings.length !== 1) continue;
    const { [spellings[0]!]: value, ...others } = named;
    named = { ...others, [known]: value };
  }
  return named;
}

/** `["ann@acme.com"]`: some tools send each field as a list. */
function onlyOf(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

/** `{"name": {"first": "Ann", "last": "Lee"}}`: its parts are the attributes that also come by themselves. */
function namePartsOf(name: unknown, others: Record<string, unknown>): { name: unknown; rest: Record<string, unknown> } {
  if (typeof name !== 'object' || name === null || Array.isArray(name) || name instanceof ExactNumber)
    return { name, rest: others };
  const parts = Object.entries(name).map(([part, value]) => [PARTS.get(plain(part)) ?? `name.${part}`, value] as const);
  return { name: undefined, rest: { ...Object.fromEntries(parts), ...others } };
}

const PARTS = new Map([
  ...['first', 'firstname', 'given', 'givenname'].map((part) => [part, 'first_name'] as const),
  ...['last', 'lastname', 'family', 'familyname'].map((part) => [part, 'last_name'] as const),
]);

/** A hint at the field that the sender may have meant; its name is the template's, not a person's. */
function namedLike(pattern: RegExp, fields: Record<string, string>): string {
  const name = Object.keys(fields).find((key) => pattern.test(key));
  return name === undefined ? '' : `, or call the field "${name.replaceAll(/\p{C}/gu, '').slice(0, 40)}" so`;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function plain(key: string): string {
  return key.length > 20
    ? key
    : key
        .trim()
        .toLowerCase()
        .replaceAll(/[-_ [\]\u200b\ufeff]/g, '');
}

const CHECK_TEMPLATE = 'check its name in the template';

/** What may make an address another mailbox than the one that a reader sees. */
function noteLookalikes(address: string, notes: IntakeNotes): void {
  if (!/[^\0-\x7f]/.test(address)) return;
  const add = (sign: string, consequence: string) => {
    const place = positionOf(address, address.indexOf(sign));
    notes.add('character', 'email', `has ${describeCharacter(sign)} at position ${place}${consequence}; kept`);
  };
  const word = address.split(/[@.]/).find((each) => /\p{sc=Latin}/u.test(each) && LOOKS_LATIN.test(each));
  if (word !== undefined) add(LOOKS_LATIN.exec(word)![0], ' among Latin letters, which look alike');
  const pasted = PASTED.exec(address)?.[0];
  if (pasted !== undefined) add(pasted, ', which no mailbox has: it may have been pasted with the address');
}

const LOOKS_LATIN = /[\p{sc=Cyrillic}\p{sc=Greek}]/u;
/** Quotation marks and dashes of a word processor. Leads exist with them in their key, so they are not removed. */
const PASTED = /[\p{Pi}\p{Pf}\p{Ps}\p{Pe}\p{Pd}…](?<![\0-\x7f])/u;

function parseEmail(
  value: unknown,
  problems: FieldProblem[],
  notes: IntakeNotes,
  isCut: boolean,
  hint: () => string,
): { email: string; emailRaw: string } {
  const addProblem = (message: string) => {
    problems.push({ path: 'email', message });
    return { email: '', emailRaw: '' };
  };
  if (!isGiven(value)) return addProblem(`is required; map it to {{lead.Email Address}}${hint()}`);
  if (typeof value !== 'string') return addProblem('must be a string');
  if (isPlaceholder(value)) return addProblem(`is required; "${value.trim()}" is a placeholder`);
  const token = tokenIn(value);
  if (token !== null) return addProblem(`the token ${token} was not replaced by the sender; ${CHECK_TEMPLATE}`);
  const broken = firstBroken(value.trim()) ?? (isCut ? firstReplaced(value) : null);
  if (broken) return addProblem(`has ${broken}`);
  const address = readEmail(value);
  if ('reason' in address) return addProblem(`is not a valid e-mail address: it ${address.reason}`);
  noteLookalikes(address.emailRaw, notes);
  return address;
}

function parseCampaignId(value: unknown, problems: FieldProblem[], isCut: boolean, hint: () => string): string {
  const addProblem = (message: string) => {
    problems.push({ path: 'campaign_id', message });
    return '';
  };
  if (!isGiven(value)) return addProblem(`is required; map it to {{campaign.id}}${hint()}`);
  if (typeof value === 'number' || value instanceof ExactNumber) {
    return Number.isSafeInteger(value) ? String(value) : addProblem('must be a whole number below 2^53, or a string');
  }
  if (typeof value !== 'string') return addProblem('must be a string or a whole number');
  const broken = firstBroken(value) ?? (isCut ? firstReplaced(value) : null);
  if (broken) return addProblem(`has ${broken}`);
  // All leads of a template would share such an id, and the second form of a person would be a duplicate of the first.
  if (value.trim() !== '' && isPlaceholder(value, 'campaign'))
    return addProblem(`is required; "${value.trim()}" is a placeholder`);
  const token = tokenIn(value);
  if (token !== null) return addProblem(`the token ${token} was not replaced by the sender; ${CHECK_TEMPLATE}`);
  const id = normaliseCampaignId(value);
  const length = [...id].length;
  return length >= 1 && length <= MAX_CAMPAIGN_ID ? id : addProblem(`must have 1 to ${MAX_CAMPAIGN_ID} characters`);
}

const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/u;

/** The campaign is a key, so it stays as it came; but two that look alike are two. */
function noteOddities(value: unknown, notes: IntakeNotes): void {
  if (typeof value !== 'string') return;
  if (/^\s*(["'])[^"']*\1\s*$/.test(value)) notes.add('encoding', 'campaign_id', 'is in quotation marks; kept with them');
  if (/^\s*\d+\.0+\s*$/.test(value)) notes.add('encoding', 'campaign_id', 'is a number with decimals, as scripts write it; kept');
  if (/^\s*\d(?:[.,]\d+)?[eE]\+\d{1,3}\s*$/.test(value))
    notes.add('encoding', 'campaign_id', 'is a number in scientific notation, as spreadsheets write it; kept');
  const found = /[^\0-\x7f]/.test(value) ? INVISIBLE.exec(value.trim())?.[0] : undefined;
  if (found) notes.add('character', 'campaign_id', `has ${describeCharacter(found)}, which shows as nothing; kept`);
}

function parseName(value: unknown, problems: FieldProblem[], notes: IntakeNotes): string | null {
  if (value === undefined || value === null) return null;
  const addProblem = (message: string) => {
    problems.push({ path: 'name', message });
    return null;
  };
  if (typeof value === 'number' || typeof value === 'boolean' || value instanceof ExactNumber) return scalarText(value);
  if (typeof value !== 'string') return addProblem('must be a string');
  const sent = keptText(value, 'name', notes).normalize('NFC').trim();
  if ([...sent].length > MAX_NAME) return addProblem(`must have at most ${MAX_NAME} characters`);
  const whole = withoutEmptyNames(sent);
  if (whole) notes.add('placeholder', 'name', `its part "${whole.removed}" is a placeholder; left out`);
  const name = whole?.text ?? sent;
  return isBlank(name) ? null : name;
}
