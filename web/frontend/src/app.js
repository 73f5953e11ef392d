/* Entry of every page: starts each behaviour once. Charts and maps are loaded only where one stands. */
import './htmx-global.js';
import { startForms } from './forms.js';
import { startKeys } from './keys.js';
import { startLive } from './live.js';
import { startMenus } from './menus.js';
import { startPasskeys } from './passkeys.js';
import { startTheme } from './theme.js';
import { startTimes } from './times.js';

async function mountCharts(root) {
  if (!root.querySelector('[data-chart]') && !root.matches?.('[data-chart]')) return;
  const { mount } = await import('./charts/index.js');
  mount(root);
}

async function mountMaps(root) {
  if (!root.querySelector('[data-map]') && !root.matches?.('[data-map]')) return;
  const { mount } = await import('./map/index.js');
  mount(root);
}

startTheme();
startMenus();
startPasskeys();
startForms();
startTimes();
startKeys();
startLive();
mountCharts(document);
mountMaps(document);
document.addEventListener('htmx:load', (event) => {
  mountCharts(event.target);
  mountMaps(event.target);
});
