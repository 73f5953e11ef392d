/* Is somebody busy with this part of the page? Then nothing in it may move. */

const RESTING_MS = 15_000;
const AFTER_TOUCH_MS = 5_000;
const OPEN = 'details[open], dialog[open], input[type=checkbox][data-row-select]:checked';
const FIELDS = 'input, textarea, select, [contenteditable]';

let pointer = { at: -Infinity, target: null };
let actedAt = -Infinity;

function onPointer(event) {
  pointer = { at: performance.now(), target: event.target };
}

function onAction() {
  actedAt = performance.now();
}

export function watchAttention() {
  document.addEventListener('pointermove', onPointer, { passive: true });
  document.addEventListener('pointerdown', onAction, { passive: true });
  document.addEventListener('keydown', onAction, { passive: true });
  document.addEventListener('scroll', onAction, { passive: true, capture: true });
}

function holdsSelection(region) {
  const selection = document.getSelection();
  return selection && !selection.isCollapsed && region.contains(selection.anchorNode);
}

function isPointedAt(region, now) {
  return now - pointer.at < RESTING_MS && region.contains(pointer.target);
}

function isFocused(region, now) {
  const focused = document.activeElement;
  if (!focused || !region.contains(focused)) return false;
  return focused.matches(FIELDS) || now - actedAt < RESTING_MS;
}

export function isAttended(region) {
  const now = performance.now();
  return Boolean(
    now - actedAt < AFTER_TOUCH_MS && region.contains(pointer.target)
    || isPointedAt(region, now)
    || isFocused(region, now)
    || region.querySelector(OPEN)
    || holdsSelection(region),
  );
}
