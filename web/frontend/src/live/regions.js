/* Parts of a page that are fetched again when something they show has changed. While somebody is
 * busy with such a part, a bar says how much has changed and nothing moves until it is asked for. */
import htmx from '../htmx-global.js';
import { element } from '../elements.js';
import { counted } from '../words.js';
import { isAttended, watchAttention } from './attention.js';
import { showState } from './status.js';

const CHECK_MS = 700;
const PAUSE_BETWEEN_MS = 1_500;
const FRESH_MS = 8_000;

const waiting = new Map(); // region id -> Set of "kind:id"
const fetchedAt = new Map(); // region id -> performance.now()

function regions() {
  return [...document.querySelectorAll('[data-live-refresh][id]')];
}

export function noteChange({ kind, id }) {
  for (const region of regions()) {
    const kinds = region.dataset.liveRefresh.split(',').map((one) => one.trim());
    if (kinds.includes(kind)) addWaiting(region, `${kind}:${id}`);
  }
  settle();
}

export function refreshAll() {
  regions().forEach((region) => addWaiting(region, ''));
  settle();
}

function addWaiting(region, change) {
  const changes = waiting.get(region.id) ?? new Set();
  waiting.set(region.id, changes.add(change));
}

function settle() {
  for (const [id, changes] of waiting) {
    const region = document.getElementById(id);
    if (!region) waiting.delete(id);
    else if (isAttended(region)) showBar(region, changes);
    else refresh(region);
  }
}

/** How many of the changes are new things, when every one of them is; else null. */
function countNew(region, changes) {
  const isNew = (change) => !region.querySelector(`[data-live-id="${CSS.escape(change)}"]`);
  return [...changes].every(isNew) ? changes.size : null;
}

function showBar(region, changes) {
  const named = new Set([...changes].filter(Boolean));
  if (named.size === 0) return;
  const fresh = countNew(region, named);
  const text = fresh ? counted('live.new', fresh) : counted('live.changes', named.size);
  let bar = region.querySelector(':scope > .mw-newbar');
  if (!bar) {
    const button = element('button', { type: 'button', class: 'mw-newbar-button', onclick: () => refresh(region, true) });
    bar = element('div', { class: 'mw-newbar', role: 'status' }, button);
    region.prepend(bar);
  }
  if (bar.textContent !== text) bar.firstChild.textContent = text;
}

function liveIds(region) {
  return new Set([...region.querySelectorAll('[data-live-id]')].map((row) => row.dataset.liveId));
}

function markFresh(region, before) {
  for (const row of region.querySelectorAll('[data-live-id]')) {
    if (before.has(row.dataset.liveId)) continue;
    row.classList.add('is-fresh');
    setTimeout(() => row.classList.remove('is-fresh'), FRESH_MS);
  }
}

function focusedRow(region) {
  const row = document.activeElement?.closest('[data-live-id]');
  return row && region.contains(row) ? row.dataset.liveId : null;
}

async function refresh(region, asked = false) {
  const { id } = region;
  const sinceLast = performance.now() - (fetchedAt.get(id) ?? -Infinity);
  if (!asked && sinceLast < PAUSE_BETWEEN_MS) return;
  fetchedAt.set(id, performance.now());
  waiting.delete(id);
  const before = liveIds(region);
  const focused = focusedRow(region);
  const url = region.dataset.liveUrl || location.pathname + location.search;
  await htmx.ajax('GET', url, { source: region, target: region, select: `#${CSS.escape(id)}`, swap: 'outerHTML' });
  const now = document.getElementById(id);
  if (!now) return;
  markFresh(now, before);
  if (focused) now.querySelector(`[data-live-id="${CSS.escape(focused)}"] a[data-row-link]`)?.focus();
}

/** An answer without the region (a sign-in page, an error) must not wipe it out. */
function keepOnStrangeAnswer(event) {
  const region = event.detail.target;
  if (!region?.matches?.('[data-live-refresh]')) return;
  if (event.detail.serverResponse.includes(`id="${region.id}"`)) return;
  event.detail.shouldSwap = false;
  showState(event.detail.xhr.status < 400 ? 'signed-out' : 'lost');
}

export function startRegions() {
  watchAttention();
  document.body.addEventListener('htmx:beforeSwap', keepOnStrangeAnswer);
  setInterval(settle, CHECK_MS);
}
