/* Relative times that stay true: <time data-relative datetime="…" data-zone="Europe/Berlin">.
 * The server wrote the text; this keeps it fresh and puts the exact time into the tooltip.
 * <time data-moment> (or data-moment="day") is written out in the form that charts use. */
import { nowMs } from './clock.js';
import { language } from './words.js';

const STEPS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
const REFRESH_MS = 20_000;

/** "3 minutes ago", "in 2 hours", "now": in the language of the page. */
export function relative(atMs, fromMs = nowMs()) {
  const format = new Intl.RelativeTimeFormat(language(), { numeric: 'always', style: 'long' });
  const seconds = (atMs - fromMs) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  }
  return new Intl.RelativeTimeFormat(language(), { numeric: 'auto' }).format(0, 'second');
}

/** Weekday, date, time and zone, for a tooltip. */
export function exact(atMs, zone) {
  const format = new Intl.DateTimeFormat(language(), {
    weekday: 'short', day: 'numeric', month: 'short', year: 'numeric',
    hour: '2-digit', minute: '2-digit', second: '2-digit',
    hourCycle: 'h23', timeZone: zone || undefined, timeZoneName: 'short',
  });
  return format.format(atMs);
}

function freshen(node) {
  const at = Date.parse(node.dateTime);
  if (Number.isNaN(at)) return;
  const text = relative(at);
  if (node.textContent !== text) node.textContent = text;
  node.title = exact(at, node.dataset.zone);
}

/** A moment written out: the same form in every list, chart and tooltip. */
function writeOut(node) {
  const at = Date.parse(node.dateTime);
  if (Number.isNaN(at)) return;
  const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  const format = new Intl.DateTimeFormat(language(), {
    day: 'numeric', month: 'short', year: 'numeric', timeZone: node.dataset.zone,
    ...(node.dataset.moment === 'day' ? {} : time),
  });
  node.textContent = format.format(at);
  node.title = exact(at, node.dataset.zone);
}

export function freshenTimes(root = document) {
  root.querySelectorAll('time[data-relative]').forEach(freshen);
  root.querySelectorAll('time[data-moment]').forEach(writeOut);
}

export function startTimes() {
  freshenTimes();
  setInterval(() => freshenTimes(), REFRESH_MS);
  document.addEventListener('htmx:load', (event) => freshenTimes(event.target));
}
