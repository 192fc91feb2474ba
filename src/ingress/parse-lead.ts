import { AppError, type FieldProblem } from '../domain/app-error.js';
import { isEmail, normaliseCampaignId, normaliseEmail } from '../domain/lead-keys.js';
import type { LeadInput } from '../domain/lead.js';
import { flatten } from './flatten.js';

export const MAX_CAMPAIGN_ID = 255;
export const MAX_NAME = 500;

/**
 * Reads a parsed body as a lead.
 * @throws AppError INVALID_BODY where it is no object, INVALID_LEAD with one problem a field.
 */
export function parseLead(body: unknown): LeadInput {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('INVALID_BODY', 'The body must be one JSON object or one form, e.g. {"email": "…", "campaign_id": "…"}.');
  }
  const { email: rawEmail, campaign_id: rawCampaign, name: rawName, ...rest } = body as Record<string, unknown>;
  const { fields, problems } = flatten(rest);
  const email = readEmail(rawEmail, problems);
  const campaignId = readCampaignId(rawCampaign, problems);
  const name = readName(rawName, problems);
  if (problems.length > 0) {
    const list = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
    throw new AppError('INVALID_LEAD', `Nothing was stored. ${list}.`.slice(0, 2000), { problems: problems.slice(0, 50) });
  }
  return { ...email, campaignId, name, attributes: fields };
}

function readEmail(value: unknown, problems: FieldProblem[]): { email: string; emailRaw: string } {
  const addProblem = (message: string) => {
    problems.push({ path: 'email', message });
    return { email: '', emailRaw: '' };
  };
  if (value === undefined || value === null || value === '') return addProblem('is required; map it to {{lead.Email Address}}');
  if (typeof value !== 'string') return addProblem('must be a string');
  if (!value.isWellFormed()) return addProblem('contains half of a surrogate pair');
  const email = normaliseEmail(value);
  if (!isEmail(email)) return addProblem('is not a valid e-mail address');
  return { email, emailRaw: value.trim() };
}

function readCampaignId(value: unknown, problems: FieldProblem[]): string {
  const addProblem = (message: string) => {
    problems.push({ path: 'campaign_id', message });
    return '';
  };
  if (value === undefined || value === null || value === '') return addProblem('is required; map it to {{campaign.id}}');
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? String(value) : addProblem('must be a whole number below 2^53, or a string');
  }
  if (typeof value !== 'string') return addProblem('must be a string or a whole number');
  if (value.includes('\0')) return addProblem('contains a NUL character');
  if (!value.isWellFormed()) return addProblem('contains half of a surrogate pair');
  const id = normaliseCampaignId(value);
  const length = [...id].length;
  return length >= 1 && length <= MAX_CAMPAIGN_ID ? id : addProblem(`must have 1 to ${MAX_CAMPAIGN_ID} characters`);
}

function readName(value: unknown, problems: FieldProblem[]): string | null {
  if (value === undefined || value === null) return null;
  const addProblem = (message: string) => {
    problems.push({ path: 'name', message });
    return null;
  };
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return addProblem('must be a string');
  if (value.includes('\0')) return addProblem('contains a NUL character');
  if (!value.isWellFormed()) return addProblem('contains half of a surrogate pair');
  const name = value.normalize('NFC').trim();
  if ([...name].length > MAX_NAME) return addProblem(`must have at most ${MAX_NAME} characters`);
  return name === '' ? null : name;
}
