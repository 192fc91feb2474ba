import { AppError } from '../../domain/app-error.js';
import type { BatchSizes } from './batch-sizes.js';
import type { ApiCall, SalesforceClient } from './client.js';
import { writeRecords, type RecordResult } from './collections.js';
import { isGovernorLimit, isLock, isRolledBack, isTriggerException, type ApiError } from './api-error.js';
import { asOwnFault, BatchRefused, UnexpectedAnswer } from './errors.js';
import type { Notices } from './notices.js';
import { halves, SuspectedRecords } from './suspected-records.js';

export interface PartTools {
  client: SalesforceClient;
  sizes: BatchSizes;
  notices: Notices;
}

/** A result as collections give it, or why there is none: the call never went through. */
export type PartResult = RecordResult | AppError;

export interface BatchWrite {
  method: 'POST' | 'PATCH';
  object: 'Lead' | 'CampaignMember';
  records: Record<string, unknown>[];
  headers?: ApiCall['headers'];
  /** PATCH finds the records by this External ID field instead of their ids. */
  externalId?: string | undefined;
}

/**
 * Extra calls that one write spends on finding the records that spoil a whole call, and on a call whose records are all
 * locked: whatever holds that lock seldom lets go in the meantime.
 */
const MOST_CALLS = { value: 40, trigger: 40, 'rolled-back': 40, lock: 4 };
/** Single records that fail alike, and none passes: the others would fail as well. */
const SINGLES_THAT_SHOW = 3;
/** So few are tried all the same: it costs less than a retry later. */
const WORTH_TRYING = 8;

/**
 * `trigger`: each record failed alike in a trigger or flow. An exception that a trigger does not catch fails all
 * records of its call, although one record, or their number, caused it. `rolled-back`: for another record of the call.
 * `unexpected`: the call failed as in an outage, or for one record that Salesforce or a gateway cannot process.
 */
type Why = 'limit' | 'value' | 'trigger' | 'rolled-back' | 'unexpected' | 'lock';
interface Answers {
  answers: PartResult[];
  /** Why those that failed may pass in smaller parts; null where they would not. */
  why: Why | null;
}

/**
 * Writes records of one object in calls as large as the org takes. A call that fails as a whole, where its parts may
 * pass, is halved until they do. A size that was too large for the org's triggers is remembered for the calls after it.
 * @returns one result a record, in order.
 */
export async function writeInParts(tools: PartTools, write: BatchWrite): Promise<PartResult[]> {
  const { sizes, notices } = tools;
  const { object, records } = write;
  const results: PartResult[] = [];
  const parts: number[][] = [records.map((_, index) => index)];
  const spent = { value: 0, trigger: 0, 'rolled-back': 0, lock: 0 };
  const suspects = new SuspectedRecords();
  let singles = 0;
  let passed = false;
  /**
   * The largest call that failed in a trigger, and whether a record failed alone: then their number was not the cause.
   */
  let suspected = 0;
  let isOneRecord = false;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const size = sizes.sizeOf(object);
    if (part.length > size) {
      parts.unshift(part.slice(0, size), part.slice(size));
      continue;
    }
    if (part.length === 0) continue;
    const { answers, why } = await attempt(tools, write, part, !suspects.areSought);
    const again = part.filter((_, place) => why !== null && mayPass(answers[place]!, why));
    passed ||= again.length < part.length;
    if (why === 'limit' && part.length > 1) {
      sizes.tooLarge(object, part.length);
      parts.unshift(...halves(again));
    } else if (why !== null && why !== 'limit' && why !== 'unexpected' && part.length > 1) {
      if (why === 'trigger') suspected = Math.max(suspected, part.length);
      if (spent[why]++ < MOST_CALLS[why]) parts.unshift(...halves(again));
      else if (why !== 'lock') answers.splice(0, part.length, ...part.map(() => spoilt()));
    }
    if (why === 'unexpected') parts.unshift(...suspects.failed(part));
    else if (answers.some((answer) => !(answer instanceof AppError))) parts.unshift(...suspects.answered(part));
    const divided = new Set(parts.flat());
    part.forEach((index, place) => {
      if (!divided.has(index)) results[index] = answers[place]!;
    });
    isOneRecord ||= why === 'trigger' && part.length === 1;
    if ((why === 'limit' || why === 'trigger' || why === 'value') && part.length === 1) singles++;
    if (singles < SINGLES_THAT_SHOW || passed || parts.flat().length <= WORTH_TRYING) continue;
    const untried = new AppError('CRM_RECORD_BUSY', 'The org refused single records of the same batch; this one was not tried.');
    for (const index of parts.splice(0).flat()) results[index] = untried;
  }
  for (const index of suspects.found) results[index] = asOwnFault(AppError.from(results[index]));
  if (passed && suspected > 0 && !isOneRecord) sizes.tooLarge(object, suspected);
  const size = sizes.sizeOf(object);
  if (passed && size < records.length) notices.batchReduced(object, size);
  return results;
}

async function attempt(
  { client }: PartTools,
  { method, object, records, headers = {}, externalId }: BatchWrite,
  part: number[],
  repeatable: boolean,
): Promise<Answers> {
  const sent = part.map((index) => records[index]!);
  try {
    const answers = await writeRecords(client, method, object, sent, { headers, externalId, repeatable });
    const errors = answers.flatMap((answer) => ('error' in answer ? [answer.error] : []));
    if (errors.some(isGovernorLimit)) return { answers, why: 'limit' };
    if (errors.some(isRolledBack)) return { answers, why: 'rolled-back' };
    // Some records that are locked are busy, and all of them are in each other's way.
    const allOf = (test: (error: ApiError) => boolean) => errors.length === answers.length && errors.every(test);
    return { answers, why: allOf(isLock) ? 'lock' : allOf(isTriggerException) ? 'trigger' : null };
  } catch (cause) {
    const error = AppError.from(cause);
    if (error instanceof UnexpectedAnswer) return { answers: part.map(() => error), why: 'unexpected' };
    if (!(error instanceof BatchRefused)) return { answers: part.map(() => error), why: null };
    // Alone it is the record's own error.
    const own: PartResult = { error: error.apiError };
    return { answers: part.map(() => own), why: error.remember ? 'limit' : 'value' };
  }
}

function spoilt(): AppError {
  return new AppError('CRM_RECORD_BUSY', 'Salesforce refused the call for another record in it.');
}

function mayPass(answer: PartResult, why: Why): boolean {
  if (answer instanceof AppError) return why === 'unexpected';
  return 'error' in answer && TESTS[why](answer.error);
}

const TESTS: Record<Why, (error: ApiError) => boolean> = {
  limit: isGovernorLimit,
  lock: isLock,
  trigger: isTriggerException,
  'rolled-back': isRolledBack,
  unexpected: () => false,
  value: () => true,
};
