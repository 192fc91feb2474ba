// Makes pages refresh themselves and shows times in the reader's time zone. Every page works without this file.

const REFRESH_MS = 5000;

/** Replaces the server's UTC text by the reader's own time; the title keeps the exact one. */
function localTimes(root) {
  for (const element of root.querySelectorAll('time[datetime]:not([data-local])')) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    element.dataset.local = '';
    element.title = `${element.dateTime} (${at.toLocaleString(undefined, { timeZoneName: 'short' })})`;
    if (element.dataset.format === 'clock') element.textContent = at.toLocaleTimeString();
    if (element.dataset.format === 'date') element.textContent = at.toLocaleString();
  }
}

function selects(region) {
  const selection = document.getSelection();
  if (!selection || selection.isCollapsed) return false;
  return region.contains(selection.anchorNode) || region.contains(selection.focusNode);
}

/** The reader works in the region: a replacement would remove the focus, the selection or an open part. */
function busy(region) {
  return selects(region) || region.contains(document.activeElement) || region.querySelector('details[open]') !== null;
}

const regions = () => [...document.querySelectorAll('[data-live]')];
const received = new Map(regions().map((region) => [region.id, region.innerHTML]));
const state = document.querySelector('[data-live-state]');
const problem = document.querySelector('[data-live-problem]');

function showState(text, paused) {
  if (!state) return;
  state.hidden = false;
  state.textContent = text;
  state.dataset.liveState = paused ? 'paused' : 'live';
}

/** What the page shows is old: that is said above it, since the navigation may be out of sight. Null: it is not. */
function showProblem(text) {
  if (text) showState('Not up to date', true);
  if (!problem || problem.textContent === (text ?? '')) return;
  problem.hidden = text === null;
  problem.firstElementChild.textContent = text ?? '';
}

function problemOf({ type, ok, status }) {
  // The sign-in page is all that the service redirects a page to.
  if (type === 'opaqueredirect') return 'Your session has ended. Reload the page to sign in again.';
  if (status === 503) return 'A store of the service does not answer. This page is not up to date.';
  return ok ? null : `The service answers ${status} for this page now. It is not up to date.`;
}

/** A wide table keeps its place: the new one is scrolled as far. */
function withScroll(region, replace) {
  const places = [...region.querySelectorAll('.table-wrap')].map((wrap) => wrap.scrollLeft);
  replace();
  for (const [index, wrap] of [...region.querySelectorAll('.table-wrap')].entries()) wrap.scrollLeft = places[index] ?? 0;
}

/** Asks for this page again. */
function load() {
  return fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'manual' });
}

/** Fetches this page again and replaces the live regions that changed; what the reader works in is left alone. */
async function refresh() {
  if (document.hidden) return;
  if (regions().some(selects)) return showState('Paused while you select text', true);
  const response = await load();
  const failure = problemOf(response);
  showProblem(failure);
  if (failure) return;
  const next = new DOMParser().parseFromString(await response.text(), 'text/html');
  let kept = false;
  for (const region of regions()) {
    const fresh = next.getElementById(region.id);
    if (!fresh || fresh.innerHTML === received.get(region.id)) continue;
    if (busy(region)) {
      kept = true;
      continue;
    }
    received.set(region.id, fresh.innerHTML);
    withScroll(region, () => region.replaceChildren(...fresh.childNodes));
    localTimes(region);
  }
  document.documentElement.dataset.refreshedAt = new Date().toISOString();
  showState(kept ? 'Paused while you work in a list' : 'Live: updates every 5 s', kept);
}

// The page says what a form did; loaded again, or as a bookmark, its address does not.
const address = new URL(location.href);
if (address.searchParams.has('done')) {
  address.searchParams.delete('done');
  history.replaceState(history.state, '', address);
}

localTimes(document);
// On a narrow screen the navigation scrolls, and the current page may be out of sight.
document.querySelector('.nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
if (regions().length > 0 && document.querySelector('main[data-refreshes]')) {
  let running = false;
  const tick = () => {
    if (running) return;
    running = true;
    // A service that does not answer is asked again at the next interval; the page keeps what it shows.
    void refresh()
      .catch(() => showProblem('The service does not answer. This page is not up to date.'))
      .finally(() => {
        running = false;
      });
  };
  showState('Live: updates every 5 s', false);
  setInterval(tick, REFRESH_MS);
  document.addEventListener('visibilitychange', tick);
}

/** A page that could not be made is loaded again once it can. */
async function retry() {
  if (document.hidden) return;
  const response = await load().catch(() => null);
  if (response && response.status !== 503) location.reload();
}

if (document.querySelector('[data-retry]')) setInterval(() => void retry(), REFRESH_MS);
