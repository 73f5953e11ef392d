/* Numbers and times of charts in the language of the page and the time zone of the site. */
import { language } from '../words.js';

const DAY_S = 86_400;
const cache = new Map();

function formatter(zone, options) {
  const key = `${zone}|${JSON.stringify(options)}`;
  if (!cache.has(key)) {
    cache.set(key, new Intl.DateTimeFormat(language(), { timeZone: zone, hourCycle: 'h23', ...options }));
  }
  return cache.get(key);
}

const TIME = { hour: '2-digit', minute: '2-digit' };
const SECONDS = { ...TIME, second: '2-digit' };
const DAY = { day: 'numeric', month: 'short' };

export function momentText(s, zone) {
  return formatter(zone, { weekday: 'short', ...DAY, ...SECONDS }).format(s * 1000);
}

export function spanText(from, to, zone) {
  const seconds = to - from < 600;
  const format = formatter(zone, { ...DAY, ...(seconds ? SECONDS : TIME) });
  return format.formatRange(from * 1000, to * 1000);
}

/** The zone in words at that time, e.g. "Berlin, GMT+1". */
export function zoneName(s, zone) {
  const city = zone.split('/').at(-1).replaceAll('_', ' ');
  return [city, shortZone(s, zone)].filter((part) => part !== zone || part === city).join(', ');
}

function shortZone(s, zone) {
  const parts = formatter(zone, { timeZoneName: 'short', ...TIME }).formatToParts(s * 1000);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone;
}

/** Labels of the time axis: the day stands under the first label and where it changes. */
export function axisLabels(splits, increment, zone) {
  if (increment >= DAY_S) return splits.map((s) => formatter(zone, DAY).format(s * 1000));
  const time = formatter(zone, increment < 60 ? SECONDS : TIME);
  let before = null;
  return splits.map((s) => {
    const day = formatter(zone, DAY).format(s * 1000);
    const text = time.format(s * 1000);
    const changed = day !== before;
    before = day;
    return changed ? `${text}\n${day}` : text;
  });
}

/** A number with as many digits as its size needs, or a dash for "none". */
export function numberText(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString(language(), { maximumFractionDigits: digits });
}

/** Seconds since 1970 of a wall-clock text ("2026-03-01T14:30") in `zone`. */
export function wallToSeconds(text, zone) {
  const guess = Date.parse(`${text}Z`) / 1000;
  const shown = Date.parse(`${secondsToWall(guess, zone)}Z`) / 1000;
  const first = guess - (shown - guess);
  // A second step settles times beside a change between winter and summer time.
  return first - (Date.parse(`${secondsToWall(first, zone)}Z`) / 1000 - guess);
}

/** The text that an <input type="datetime-local"> takes for a time in `zone`. */
export function secondsToWall(s, zone) {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', ...TIME, hourCycle: 'h23',
  }).formatToParts(s * 1000);
  const of = (type) => parts.find((part) => part.type === type).value;
  return `${of('year')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}`;
}
