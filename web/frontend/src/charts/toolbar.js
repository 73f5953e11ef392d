/* The tools above a chart block: range buttons, an own range, back from a zoom, table, download. */
import { element, icon } from '../elements.js';
import { word } from '../words.js';
import { momentText, secondsToWall, wallToSeconds } from './formats.js';

export const RANGES = ['1h', '24h', '7d', '90d'];

function rangeButtons(block) {
  return RANGES.map((key) => element('button', {
    type: 'button',
    class: 'mw-segment',
    'aria-pressed': String(block.range.key === key),
    onclick: () => block.showRange(key),
  }, word(`chart.range.${key}`)));
}

function field(name, text, value) {
  return element(
    'label',
    { class: 'form-label' },
    text,
    element('input', { type: 'datetime-local', class: 'form-control', name, value, required: true }),
  );
}

function ownRange(block) {
  const zone = block.zone;
  const { from, to } = block.window;
  const form = element(
    'form',
    { class: 'mw-menu-body mw-own-range' },
    field('from', word('chart.from'), secondsToWall(from, zone)),
    field('to', word('chart.to'), secondsToWall(to, zone)),
    element('p', { class: 'mw-hint' }, word('chart.zone', { zone: block.zoneName })),
    element('button', { type: 'submit', class: 'btn btn-primary btn-sm' }, word('chart.show')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const chosen = [form.from.value, form.to.value].map((text) => wallToSeconds(text, zone));
    block.zoom(Math.min(...chosen), Math.max(...chosen));
  });
  const summary = element('summary', { class: 'mw-segment', 'aria-pressed': String(block.range.key === null) }, word('chart.own'));
  return element('details', { class: 'mw-menu', 'data-menu': true }, summary, form);
}

function tool(name, text, onclick, attributes = {}) {
  return element(
    'button',
    { type: 'button', class: 'mw-tool', title: text, onclick, ...attributes },
    icon(name),
    element('span', {}, text),
  );
}

/** The toolbar for the block's present state; `block.moment` is where the cursor's time stands. */
export function buildToolbar(block) {
  const bar = element('div', { class: 'mw-chart-tools' });
  if (!block.isEvidence) {
    bar.append(element('div', { class: 'mw-segments', role: 'group', 'aria-label': word('chart.range') }, ...rangeButtons(block), ownRange(block)));
  }
  if (block.isZoomed) bar.append(tool('reset', word('chart.reset'), () => block.reset()));
  bar.append(block.moment);
  const label = word(block.asTable ? 'chart.as-chart' : 'chart.as-table');
  bar.append(tool(block.asTable ? 'chart' : 'table', label, () => block.toggleTable(), { 'aria-pressed': String(block.asTable) }));
  if (block.host.dataset.download) {
    const { from, to } = block.window;
    const url = `${block.host.dataset.download}?from=${Math.floor(from)}&to=${Math.ceil(to)}`;
    bar.append(element('a', { class: 'mw-tool', title: word('chart.download'), href: url }, icon('download'), element('span', {}, word('chart.download'))));
  }
  return bar;
}

/** The time under the cursor, with the zone it is told in. */
export function showMoment(node, s, zone, name) {
  node.textContent = s === null ? word('chart.zone', { zone: name }) : momentText(s, zone);
}
