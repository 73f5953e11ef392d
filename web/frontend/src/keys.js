/* The keyboard: j and k through the rows of a list, Enter opens, e edits, c comments, / searches,
 * ? lists the keys. Single keys can be switched off in the list of keys (WCAG 2.1.4). */

const STORE = 'mw.single-keys';
const ROWS = '[data-keys-list] a[data-row-link]';

function isOn() {
  return localStorage.getItem(STORE) !== 'off';
}

function isTyping(target) {
  return target.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]');
}

function visibleRows() {
  return [...document.querySelectorAll(ROWS)].filter((link) => link.checkVisibility());
}

function step(distance) {
  const rows = visibleRows();
  if (rows.length === 0) return;
  const row = document.activeElement?.closest('[data-live-id], tr, li');
  const here = rows.findIndex((link) => link === document.activeElement || row?.contains(link));
  const next = here < 0 ? (distance > 0 ? 0 : rows.length - 1) : here + distance;
  const link = rows[Math.max(0, Math.min(rows.length - 1, next))];
  link.focus();
  link.scrollIntoView({ block: 'nearest' });
}

/** Do what an element marked data-key="…" stands for: follow, press or focus it. */
function use(key) {
  const target = [...document.querySelectorAll(`[data-key="${key}"]`)]
    .find((node) => node.checkVisibility());
  if (!target) return false;
  if (target.matches('input, textarea, select')) target.focus();
  else target.click();
  return true;
}

const ACTIONS = {
  j: () => (step(1), true),
  k: () => (step(-1), true),
  '/': () => use('/'),
  e: () => use('e'),
  c: () => use('c'),
  '?': () => {
    const help = document.getElementById('mw-keys');
    if (help && !help.open) help.showModal();
    return Boolean(help);
  },
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
  const action = ACTIONS[event.key];
  if (action && isOn() && action()) event.preventDefault();
}

export function startKeys() {
  document.addEventListener('keydown', onKey);
  const box = document.getElementById('mw-single-keys');
  if (!box) return;
  box.checked = isOn();
  box.addEventListener('change', () => localStorage.setItem(STORE, box.checked ? 'on' : 'off'));
}
