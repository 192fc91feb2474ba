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

function busy(region) {
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && region.contains(selection.anchorNode)) return true;
  return region.contains(document.activeElement) || region.querySelector('details[open]') !== null;
}

const regions = () => [...document.querySelectorAll('[data-live]')];
const received = new Map(regions().map((region) => [region.id, region.innerHTML]));

/** Fetches this page again and replaces the live regions that changed; what the reader works in is left alone. */
async function refresh() {
  if (document.hidden) return;
  const response = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'error' });
  if (!response.ok) return;
  const next = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const region of regions()) {
    const fresh = next.getElementById(region.id);
    if (!fresh || fresh.innerHTML === received.get(region.id) || busy(region)) continue;
    received.set(region.id, fresh.innerHTML);
    region.replaceChildren(...fresh.childNodes);
    localTimes(region);
  }
  document.documentElement.dataset.refreshedAt = new Date().toISOString();
}

localTimes(document);
if (regions().length > 0) {
  let running = false;
  const tick = () => {
    if (running) return;
    running = true;
    // A service that does not answer is asked again at the next interval; the page keeps what it shows.
    void refresh()
      .catch(() => {})
      .finally(() => {
        running = false;
      });
  };
  setInterval(tick, REFRESH_MS);
  document.addEventListener('visibilitychange', tick);
}

for (const box of document.querySelectorAll('input[data-select-all]')) {
  box.addEventListener('change', () => {
    for (const other of box.form.querySelectorAll('input[type=checkbox][name=id]')) other.checked = box.checked;
  });
}
