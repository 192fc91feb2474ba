/** One finding of the check, with what to change. */
export interface MarketoCheckLine {
  subject: string;
  verdict: 'ok' | 'note' | 'problem';
  detail: string;
}

export const ok = (subject: string, detail: string): MarketoCheckLine => ({ subject, verdict: 'ok', detail });
export const note = (subject: string, detail: string): MarketoCheckLine => ({ subject, verdict: 'note', detail });
export const problem = (subject: string, detail: string): MarketoCheckLine => ({ subject, verdict: 'problem', detail });
