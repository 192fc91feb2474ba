import type { ActResult } from './owner-acts.service.js';
import type { LinkAction } from './notices/action-links.js';

const QUESTIONS: Record<LinkAction, { title: string; text: string; button: string }> = {
  claim: {
    title: 'Claim this lead?',
    text: 'You work on it from now on. No reminder follows, and it is not passed on.',
    button: 'Claim',
  },
  'not-mine': {
    title: 'Is this lead not yours?',
    text: 'The next owner is chosen, and you are owed another lead.',
    button: 'Not mine',
  },
  junk: {
    title: 'Is this lead junk?',
    text: 'Its clock ends, you are owed another lead, and the scores learn that it was worth nothing.',
    button: 'Junk',
  },
};

const DONE: Record<LinkAction, string> = {
  claim: 'The lead is yours.',
  'not-mine': 'The next owner is being chosen.',
  junk: 'The lead is marked as junk.',
};

export const INVALID_LINK = 'This link is not valid, or it is too old. Open the lead in the CRM.';
export const ENDED_LINK = 'Nothing was changed: this was done before, or the lead has another owner by now.';

/** The page behind a link: it asks, and its form acts. Programs that follow links change nothing. */
export function questionPage(action: LinkAction): string {
  const { title, text, button } = QUESTIONS[action];
  return page(
    title,
    `<p>${text}</p><form method="post"><input type="hidden" name="confirm" value="yes"><button class="primary">${button}</button></form>`,
  );
}

export function resultPage(action: LinkAction, result: ActResult): string {
  return page(result === 'done' ? DONE[action] : 'Nothing was changed', result === 'done' ? '' : `<p>${ENDED_LINK}</p>`);
}

export function noticePage(title: string, text: string): string {
  return page(title, `<p>${text}</p>`);
}

/** All texts are constants of this file, so nothing has to be escaped. */
function page(title: string, content: string): string {
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<meta name="robots" content="noindex"><title>${title} · RevenueFlow AI</title>` +
    '<link rel="stylesheet" href="/console/assets/console.css"></head>' +
    `<body><main class="login"><h1>${title}</h1>${content}</main></body></html>`
  );
}
