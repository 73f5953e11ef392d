/* The state of live updates in words, wherever a page has a place for it. */
import { word } from '../words.js';

let current = '';

export function showState(state) {
  current = state;
  document.querySelectorAll('[data-live-status]').forEach((place) => {
    place.dataset.state = state;
    place.hidden = false;
    const text = place.querySelector('[data-live-words]') ?? place;
    text.textContent = word(`live.${state}`);
    place.title = word(`live.${state}.hint`);
  });
}

document.addEventListener('htmx:load', () => current && showState(current));
