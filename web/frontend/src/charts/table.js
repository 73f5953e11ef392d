/* The table behind a chart: the same points as text, newest first, gaps in words. */
import { element } from '../elements.js';
import { counted, word } from '../words.js';
import { hasEnvelope, withGaps } from './contract.js';
import { momentText, numberText, spanText, zoneName } from './formats.js';

const MOST_ROWS = 300;

function valueCell(series, i) {
  const mean = numberText(series.mean[i]);
  if (!hasEnvelope(series)) return element('td', { class: 'mw-num' }, mean);
  const span = `${numberText(series.min[i])} – ${numberText(series.max[i])}`;
  return element('td', { class: 'mw-num' }, mean, element('small', {}, ` (${span})`));
}

function gapRow(from, to, zone, columns) {
  const text = word('chart.gap-row', { span: spanText(from, to, zone) });
  return element('tr', { class: 'mw-gap-row' }, element('td', { colspan: columns }, text));
}

function rowsOf(series, gapS, zone) {
  const full = { ...series, ...withGaps(series, gapS) };
  const rows = [];
  for (let i = full.t.length - 1; i >= 0 && rows.length < MOST_ROWS; i -= 1) {
    const isGap = i > 0 && i < full.t.length - 1 && full.mean[i] === null && full.t[i + 1] - full.t[i - 1] > gapS;
    if (isGap) rows.push(gapRow(full.t[i - 1], full.t[i + 1], zone, 2));
    else rows.push(element('tr', {}, element('td', {}, momentText(full.t[i], zone)), valueCell(full, i)));
  }
  return rows;
}

function seriesTable(group, series, answer) {
  const { time_zone: zone, gap_s: gapS, range } = answer;
  const heading = `${word('chart.time')} (${zoneName(range.to, zone)})`;
  const unit = group.unit ? ` (${group.unit})` : '';
  return element(
    'div',
    { class: 'mw-chart-table' },
    element(
      'table',
      { class: 'mw-plain-table' },
      element('caption', {}, `${group.label}: ${series.label}`),
      element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, heading), element('th', { scope: 'col', class: 'mw-num' }, series.label + unit))),
      element('tbody', {}, ...rowsOf(series, gapS, zone)),
    ),
  );
}

/** All series of the answer as tables, side by side where there is room. */
export function buildTables(answer) {
  const tables = answer.groups.flatMap((group) => (
    group.series.map((series) => seriesTable(group, series, answer))
  ));
  const isCut = answer.groups.some((group) => group.series.some(({ t }) => t.length > MOST_ROWS));
  const note = isCut ? element('p', { class: 'mw-hint' }, counted('chart.newest', MOST_ROWS)) : null;
  return element('div', { class: 'mw-chart-tables', tabindex: '0' }, note, ...tables);
}
