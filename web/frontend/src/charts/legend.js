/* The head of each small multiple: unit, name, and each series with its value under the cursor
 * (without a cursor: the newest one). */
import { element } from '../elements.js';
import { word } from '../words.js';
import { numberText } from './formats.js';
import { isShown, limitText } from './marks.js';

function sample(index) {
  return element('span', { class: `mw-series-sign mw-series-sign-${(index % 6) + 1}`, 'aria-hidden': 'true' });
}

/** The head of `group`; its `show(plot)` writes the values at the cursor, out of `head.group`. */
export function buildLegend(group) {
  const values = group.series.map(() => element('b', { class: 'mw-num' }, '–'));
  const items = group.series.map((series, index) => (
    element('span', { class: 'mw-series' }, sample(index), ` ${series.label} `, values[index])
  ));
  const limits = (group.limits ?? []).map((limit) => element(
    'span',
    { class: 'mw-series' },
    element('span', { class: 'mw-series-sign mw-series-sign-limit', 'aria-hidden': 'true' }),
    ` ${limitText(limit, group.unit)}`,
  ));
  const head = element(
    'div',
    { class: 'mw-plot-head' },
    element('span', { class: 'mw-plot-unit' }, group.unit),
    element('h3', { class: 'mw-plot-name' }, group.label),
    element('span', { class: 'mw-plot-series' }, ...items, ...limits),
  );
  head.group = group;
  head.show = (plot) => {
    writeValues(plot, values, head.group);
    // A limit is named here only while the plot's scale leaves it out.
    limits.forEach((node, at) => { node.hidden = isShown(plot, head.group.limits[at]); });
  };
  return head;
}

/** The value at a column index, or the nearest one that this series has at the same place. */
function valueAt(plot, column, index) {
  const value = plot.data[column][index];
  if (value !== undefined) return value;
  for (let away = 1; away < 4; away += 1) {
    const near = plot.data[column][index - away] ?? plot.data[column][index + away];
    if (near !== undefined && near !== null) return near;
  }
  return null;
}

function writeValues(plot, values, group) {
  const index = plot.cursor.idx;
  group.series.forEach((series, at) => {
    const isPointing = index !== null && index !== undefined && plot.cursor.left >= 0;
    const value = isPointing ? valueAt(plot, 1 + at * 3, index) : series.mean.findLast((one) => one !== null);
    const text = value === null || value === undefined
      ? word(isPointing ? 'chart.gap' : 'chart.none')
      : `${numberText(value)} ${group.unit}`;
    if (values[at].textContent !== text) values[at].textContent = text;
  });
}
