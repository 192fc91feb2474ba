import { AppError, type FieldProblem } from '../../domain/app-error.js';
import type { DeadLetter } from '../../ledger/dead-letters.repository.js';

/**
 * The fields of the lead, as POST /leads takes them, with the corrections in place of its own.
 * @throws AppError INVALID_LEAD where a correction names a field that may be misspelt.
 */
export function correctedFields(
  letter: Pick<DeadLetter, 'emailRaw' | 'campaignId' | 'name' | 'attributes'>,
  correction: Record<string, unknown>,
): Record<string, unknown> {
  const { emailRaw, campaignId, name, attributes } = letter;
  const corrections = readCorrections(correction, Object.keys(attributes));
  return { email: emailRaw, campaign_id: campaignId, name, ...attributes, ...corrections };
}

/** Attributes that webhooks usually have; docs/marketo.md maps these. */
const USUAL = (
  'email campaign_id name first_name last_name company title phone country message source marketo_id state city postal_code ' +
  'industry website language employees lead_source utm_source utm_medium utm_campaign utm_term utm_content'
).split(' ');

/**
 * The corrections as fields of the lead. A name that the lead does not have and that is not usual is refused, since a
 * misspelt one would become an attribute and correct nothing. `attributes` holds those that are meant to be new.
 * @param own names of the attributes that the lead has.
 * @throws AppError INVALID_LEAD
 */
export function readCorrections(correction: Record<string, unknown>, own: string[]): Record<string, unknown> {
  const { attributes: added, ...fields } = withCampaignId(correction, own);
  const isMeant = isObject(added) && !own.some((name) => name === 'attributes' || name.startsWith('attributes.'));
  const given = isMeant || added === undefined ? fields : { ...fields, attributes: added };
  const known = new Set([...USUAL, ...own]);
  const problems = Object.keys(given)
    .filter((name) => !known.has(name))
    .slice(0, 50)
    .map((name) => unknownField(name, [...known]));
  if (problems.length > 0) {
    const list = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
    throw new AppError('INVALID_LEAD', `Nothing was changed. ${list}.`.slice(0, 2000), { problems });
  }
  return isMeant ? { ...given, ...added } : given;
}

/** Answers call the campaign `campaignId`, so a correction may too, unless the lead has an attribute of that name. */
function withCampaignId(correction: Record<string, unknown>, own: string[]): Record<string, unknown> {
  if (!('campaignId' in correction) || 'campaign_id' in correction || own.includes('campaignId')) return correction;
  const { campaignId, ...others } = correction;
  return { ...others, campaign_id: campaignId };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownField(name: string, known: string[]): FieldProblem {
  const closest = known
    .map((each) => ({ each, distance: editsBetween(plain(name), plain(each)) }))
    .toSorted((a, b) => a.distance - b.distance)[0];
  const isClose = closest !== undefined && closest.distance <= Math.max(1, Math.floor(name.length / 3));
  const hint = isClose ? `; did you mean ${closest.each}?` : ';';
  return { path: name.slice(0, 60), message: `the lead has no such field${hint} A new attribute is given under "attributes"` };
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
    .slice(0, 60);
}

/** Insertions, deletions, replacements and swaps of neighbours that make one text of the other. */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        last[j]! + 1,
        row[j - 1]! + 1,
        last[j - 1]! + (isSame ? 0 : 1),
        isSwap ? beforeLast[j - 2]! + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
