/* The strip under the time axis: a bar over the span of each alarm and its label below the bar,
 * a sign for each visit; what would touch goes into another lane. */
import { element, icon } from '../elements.js';
import { word } from '../words.js';
import { momentText, spanText } from './formats.js';
import { GUTTER_PX, RIGHT_PX } from './plot.js';

const ICONS = { watch: 'watch', needs_service: 'needs-service', stopped: 'stopped', flag: 'flag' };
const LANE_PX = 30;
const LEAST_BAR_PX = 3;
const ICON_PX = 20;

/** Alarms and flags inside the window, by their beginning; an open alarm lasts to its end. */
function entries({ alarms = [], flags = [], range }) {
  const spans = alarms.map((alarm) => ({ ...alarm, to: alarm.to ?? range.to, isOpen: alarm.to === null }));
  const points = flags.map(({ at, label, url }) => ({ from: at, to: at, label, url, severity: 'flag' }));
  return [...spans, ...points]
    .filter(({ from, to }) => to >= range.from && from <= range.to)
    .sort((one, other) => one.from - other.from);
}

/** Pixels of bar and label of each entry, and its lane: nothing in a lane overlaps. */
export function place(alarms, { from, to }, inner, measure) {
  const x = (s) => ((Math.min(Math.max(s, from), to) - from) / (to - from)) * inner;
  const ends = [];
  return alarms.map((alarm) => {
    const left = x(alarm.from);
    const bar = Math.max(x(alarm.to) - left, LEAST_BAR_PX);
    const text = Math.min(measure(alarm.label) + ICON_PX, inner);
    const textLeft = Math.min(left, inner - text);
    let lane = ends.findIndex((end) => end <= textLeft);
    if (lane < 0) lane = ends.length;
    ends[lane] = Math.max(left + bar, textLeft + text) + 8;
    return { alarm, lane, left, bar, text, textLeft };
  });
}

function describe(alarm, zone) {
  const isMoment = alarm.from === alarm.to;
  const when = isMoment ? momentText(alarm.from, zone) : spanText(alarm.from, alarm.to, zone);
  return [alarm.label, when, alarm.isOpen ? word('chart.still-open') : ''].filter(Boolean).join(', ');
}

function draw({ alarm, lane, left, bar, text, textLeft }, zone) {
  const span = element('span', { class: 'mw-alarm-bar' });
  const words = element('span', { class: 'mw-alarm-text' }, icon(ICONS[alarm.severity] ?? 'watch'), element('span', {}, alarm.label));
  const node = element(
    alarm.url ? 'a' : 'span',
    { class: `mw-alarm mw-alarm-${alarm.severity}`, title: describe(alarm, zone), href: alarm.url ?? null },
    span,
    words,
  );
  node.style.top = `${lane * LANE_PX}px`;
  span.style.left = `${GUTTER_PX + left}px`;
  span.style.width = `${bar}px`;
  words.style.left = `${GUTTER_PX + textLeft}px`;
  words.style.maxWidth = `${text}px`;
  return node;
}

function measurer(host) {
  const context = document.createElement('canvas').getContext('2d');
  context.font = `500 12px ${getComputedStyle(host).fontFamily}`;
  return (text) => Math.ceil(context.measureText(text).width);
}

/** The strip for an answer, or null when no alarm and no flag lies in its window. */
export function buildStrip(answer, width) {
  const alarms = entries(answer);
  if (alarms.length === 0) return null;
  const placed = place(alarms, answer.range, width - GUTTER_PX - RIGHT_PX, measurer(document.body));
  const strip = element('div', { class: 'mw-alarms', role: 'group', 'aria-label': word('chart.alarms') });
  strip.append(...placed.map((one) => draw(one, answer.time_zone)));
  strip.style.height = `${(Math.max(...placed.map((one) => one.lane)) + 1) * LANE_PX}px`;
  return strip;
}
