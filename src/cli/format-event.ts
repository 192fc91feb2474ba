type Detail = Record<string, unknown>;

/** The time of the day in UTC, to the millisecond; the date only where it is not today's. */
export function clock(at: string): string {
  const [date, time] = new Date(at).toISOString().replace('Z', '').split('T') as [string, string];
  return date === new Date().toISOString().slice(0, 10) ? time : `${date} ${time}`;
}

const TOLD: Record<string, (detail: Detail) => string> = {
  received: (detail) => `received${notes(detail)}`,
  revised: (detail) => `sent again with other content, now revision ${detail['revision']}: ${changes(detail)}${notes(detail)}`,
  'late-content': () => 'older content came out of the spool; the newer stands',
  enriched: (detail) => `scored ${score(detail)}`,
  'attempt-failed': (detail) => `attempt ${detail['attempt']} in ${detail['stage']} failed: ${failure(detail)}${again(detail)}`,
  'attempts-returned': (detail) =>
    `${detail['attempts']} attempt(s) in ${detail['stage']} given back: the downstream was at fault, not the lead`,
  'dead-lettered': (detail) => `given up in ${detail['stage']} after attempt ${detail['attempt']}: ${failure(detail)}`,
  edited: (detail) => `corrected by ${detail['by']}, now revision ${detail['revision']}: ${changes(detail)}`,
  replayed: (detail) => `replayed by ${detail['by']}${detail['dueAt'] ? `, due at ${clock(String(detail['dueAt']))}` : ''}`,
  discarded: (detail) => `discarded by ${detail['by']}: ${detail['reason']}`,
  synced: (detail) => `in the CRM: ${record(detail)}`,
  rescored: (detail) => `scored again ${score(detail)}${instead(detail)}`,
  'crm-updated': (detail) =>
    detail['unneeded'] ? `the CRM need not know: ${detail['unneeded']}` : `the CRM shows the new score: ${record(detail)}`,
  'rescore-failed': (detail) => `scoring it again failed (attempt ${detail['attempt']}): ${failure(detail)}${again(detail)}`,
  'rescore-given-up': (detail) => `the stand-in score stays, after attempt ${detail['attempt']}: ${failure(detail)}`,
  backfilled: (detail) => `also in ${record(detail)}`,
  resync: (detail) => `goes to the CRM once more: ${detail['reason']}`,
};

/** An event of the audit trail as a sentence; one that is not known here as it is. */
export function tellEvent(kind: string, detail: Detail): string {
  return TOLD[kind]?.(detail) ?? `${kind} ${JSON.stringify(detail)}`;
}

/** What was left out or replaced while the webhook was read. */
function notes({ notes: noted }: Detail): string {
  const list = (noted ?? []) as { path: string; message: string }[];
  return list.map(({ path, message }) => `; ${path === '' ? '' : `${path} `}${message}`).join('');
}

function score({ fitScore, intent, scoreSource, provider, scorerVersion, flags }: Detail): string {
  const flagged = Array.isArray(flags) && flags.length > 0 ? `; ${flags.join(', ')}` : '';
  return `${fitScore}, intent ${intent}, by ${scoreSource} (${provider}, ${scorerVersion}${flagged})`;
}

function instead({ instead: before }: Detail): string {
  const { fitScore, scoreSource } = before as Detail;
  return `, instead of ${fitScore} by ${scoreSource}`;
}

function failure({ code, message, answer }: Detail): string {
  return `${code}: ${message}${answer ? ` It answered: ${answer}` : ''}`;
}

/** The last attempt has no next one: the lead goes on at once, without a score. */
function again({ nextAttemptAt, at }: Detail): string {
  return nextAttemptAt && Date.parse(String(nextAttemptAt)) > Date.parse(String(at))
    ? ` Again at ${clock(String(nextAttemptAt))}`
    : '';
}

function record({ provider, leadId, memberId, cut }: Detail): string {
  const shortened = Array.isArray(cut) && cut.length > 0 ? `; cut to its length: ${cut.join(', ')}` : '';
  return `${provider} lead ${leadId}, member ${memberId ?? 'none'}${shortened}`;
}

function changes({ changed }: Detail): string {
  const fields = Object.entries((changed ?? {}) as Record<string, { from: unknown; to: unknown }>);
  return fields.map(([name, { from, to }]) => `${name} ${shown(from)} → ${shown(to)}`).join(', ');
}

function shown(value: unknown): string {
  return value === null || value === undefined ? '(none)' : `"${String(value)}"`;
}
