type Detail = Record<string, unknown>;
/** Formats the time of an event. */
type Clock = (at: string) => string;

const SENTENCES: Record<string, (detail: Detail, clock: Clock) => string> = {
  received: (detail) => `received${notes(detail)}`,
  revised: (detail) =>
    `sent again with new content, now revision ${detail['revision']}: ${changes(detail)}${removed(detail)}${notes(detail)}`,
  'events-removed': (detail) => `events up to number ${detail['upTo']} are removed: a lead keeps its first 100 and newest 500`,
  'late-content': () => 'older content arrived from the fallback buffer (spool); the newer content was kept',
  enriched: (detail) => `scored ${score(detail)}`,
  'attempt-failed': (detail, clock) =>
    `${detail['shared'] ? 'a run' : `attempt ${detail['attempt']}`} in ${detail['stage']} failed` +
    `${detail['shared'] ? ' and is not counted, since the downstream is at fault' : ''}: ` +
    `${failure(detail)}${nextAttempt(detail, clock)}`,
  'attempts-returned': (detail) =>
    `${attempts(Number(detail['attempts']))} in ${detail['stage']} not counted: the downstream failed, not the lead`,
  'dead-lettered': (detail) => `dead-lettered in ${detail['stage']} after attempt ${detail['attempt']}: ${failure(detail)}`,
  edited: (detail) => `edited by ${detail['by']}, now revision ${detail['revision']}: ${changes(detail)}`,
  replayed: (detail, clock) =>
    `replayed by ${detail['by']}${detail['dueAt'] ? `, due at ${clock(String(detail['dueAt']))}` : ''}`,
  discarded: (detail) => `discarded by ${detail['by']}: ${detail['reason']}`,
  synced: (detail) => `in the CRM: ${record(detail)}`,
  rescored: (detail) => `re-scored ${score(detail)}${previous(detail)}`,
  'crm-updated': (detail) =>
    detail['unneeded'] ? `no CRM update needed: ${detail['unneeded']}` : `CRM updated with the new score: ${record(detail)}`,
  'rescore-requested': (detail) => `a new score was requested by ${detail['by']}`,
  'rescore-failed': (detail, clock) =>
    `re-scoring failed (attempt ${detail['attempt']}): ${failure(detail)}${nextAttempt(detail, clock)}`,
  'rescore-given-up': (detail) => `the provisional score stays, after attempt ${detail['attempt']}: ${failure(detail)}`,
  backfilled: (detail) => `also in ${record(detail)}`,
  'membership-added': (detail) => `the membership was added: ${record(detail)}`,
  resync: (detail) => `to be synced again: ${detail['reason']}`,
};

/** Describes an event of the audit trail in a sentence; an unknown kind is shown as stored. */
export function eventSentence(kind: string, detail: Detail, clock: Clock): string {
  return SENTENCES[kind]?.(detail, clock) ?? `${kind} ${JSON.stringify(detail)}`;
}

/** What the intake left out or replaced. */
function notes({ notes: noted }: Detail): string {
  const list = (noted ?? []) as { path: string; message: string }[];
  return list.map(({ path, message }) => `; ${path === '' ? '' : `${path} `}${message}`).join('');
}

/** Fields that were removed because the lead exceeded its limits. */
function removed({ removedFields }: Detail): string {
  return Array.isArray(removedFields) ? `; removed, since a lead has a bound: ${removedFields.join(', ')}` : '';
}

function score({ fitScore, intent, scoreSource, provider, scorerVersion, flags }: Detail): string {
  const flagged = Array.isArray(flags) && flags.length > 0 ? `; ${flags.join(', ')}` : '';
  return `${fitScore}, intent ${intent}, by ${scoreSource} (${provider}, ${scorerVersion}${flagged})`;
}

function previous({ instead: before }: Detail): string {
  const { fitScore, scoreSource } = before as Detail;
  return `, before ${fitScore} by ${scoreSource}`;
}

function failure({ code, message, answer }: Detail): string {
  return `${code}: ${message}${answer ? ` It answered: ${answer}` : ''}`;
}

/** After the last attempt there is no next one: the lead continues without a score. */
function nextAttempt({ nextAttemptAt, at }: Detail, clock: Clock): string {
  return nextAttemptAt && Date.parse(String(nextAttemptAt)) > Date.parse(String(at))
    ? ` Next attempt at ${clock(String(nextAttemptAt))}`
    : '';
}

function record({ provider, leadId, memberId, cut, leftOut }: Detail): string {
  const omitted = Array.isArray(leftOut) && leftOut.length > 0 ? `; left out: ${leftOut.join(', ')}` : '';
  const shortened = Array.isArray(cut) && cut.length > 0 ? `; cut to its length: ${cut.join(', ')}` : '';
  return `${provider} lead ${leadId}, member ${memberId ?? 'none'}${shortened}${omitted}`;
}

function changes({ changed }: Detail): string {
  const fields = Object.entries((changed ?? {}) as Record<string, { from: unknown; to: unknown }>);
  return fields.map(([name, { from, to }]) => `${name} ${shown(from)} → ${shown(to)}`).join(', ');
}

function shown(value: unknown): string {
  return value === null || value === undefined ? '(none)' : `"${String(value)}"`;
}

function attempts(count: number): string {
  return count === 1 ? '1 attempt' : `${count} attempts`;
}
