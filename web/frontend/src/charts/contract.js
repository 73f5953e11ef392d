/* The chart contract, and the arrays that are drawn from it.
 *
 * Element (made by templates/_macros/chart.html):
 *   <section data-chart data-url="/machines/7/readings.json"
 *            data-range="24h"                    range shown first: 1h, 24h, 7d or 90d
 *            data-asset="7"                      follows `mw:reading` events with this asset
 *            data-mode="evidence" data-from data-to            fixed window, epoch seconds
 *            data-mark-from data-mark-to data-mark-label       a marked span inside it
 *            data-download="/machines/7/readings.csv"          offered when given
 *            data-groups="temperature,pressure"                passed on as ?groups=
 *            data-label="…">
 *
 * Request:  GET data-url ? range=24h | from=<s>&to=<s>   [&since=<s>] [&points=<n>] [&groups=…]
 *   `points` is the number of buckets that fit the screen. `since` asks for the points with
 *   t >= since only (the last bucket is sent again, it may have grown); everything else as usual.
 * Answer (application/json); every t, from, to, at is in epoch seconds and may be fractional:
 *   { "range": {"key": "24h" | null, "from": s, "to": s},
 *     "time_zone": "Europe/Berlin",                      the site's
 *     "gap_s": 90,                                       points further apart are not joined
 *     "groups": [ { "key": "temperature", "label": "Temperature", "unit": "°C",
 *         "series": [ { "metric": "oil_temperature", "label": "Oil", "t": [s, …],
 *                       "mean": [x | null, …], "min": [x | null, …], "max": [x | null, …] } ],
 *         "limits": [ { "label": "Limit", "value": 110, "direction": "high" | "low" } ] } ],   the
 *         value and the unit are written behind the label
 *     "alarms": [ { "from": s, "to": s | null, "label": "…", "severity":
 *                   "watch" | "needs_service" | "stopped", "url": "/…"? } ],
 *     "flags": [ { "at": s, "label": "Visit" } ]         optional: visits, parts
 *   }
 *   t ascends strictly. min and max may be left out or equal mean: then no envelope is drawn.
 *   No readings in the window: groups with empty arrays, or no groups. Units and labels are words
 *   ready to be shown. 4xx and 5xx are said in words, with a button to try again.
 */
import uPlot from 'uplot';

const NULL_EXPAND = 2;

/** A copy of one series in which a null stands in every gap longer than `gapS` seconds. */
export function withGaps({ t, mean, min = mean, max = mean }, gapS) {
  const out = { t: [], mean: [], min: [], max: [] };
  for (let i = 0; i < t.length; i += 1) {
    if (i > 0 && t[i] - t[i - 1] > gapS) {
      out.t.push((t[i] + t[i - 1]) / 2);
      out.mean.push(null);
      out.min.push(null);
      out.max.push(null);
    }
    out.t.push(t[i]);
    out.mean.push(mean[i]);
    out.min.push(min[i]);
    out.max.push(max[i]);
  }
  return out;
}

/** Is there anything between least and greatest that a line would hide? */
export function hasEnvelope({ mean, min, max }) {
  if (!min || !max) return false;
  return mean.some((_value, i) => min[i] !== null && max[i] !== null && max[i] > min[i]);
}

/** uPlot's aligned columns of a group: time, then mean, min, max of each series in turn. */
export function toColumns(group, gapS) {
  const tables = group.series.map((series) => {
    const { t, mean, min, max } = withGaps(series, gapS);
    return [t, mean, min, max];
  });
  if (tables.length === 0) return [[]];
  const nullModes = tables.map((table) => table.map(() => NULL_EXPAND));
  return uPlot.join(tables, nullModes);
}

export function isEmpty(answer) {
  return !answer.groups.some((group) => group.series.some((series) => series.t.length > 0));
}

/** The newest time in the answer, or null. */
export function newest(answer) {
  let last = null;
  for (const group of answer.groups) {
    for (const { t } of group.series) {
      if (t.length > 0 && (last === null || t.at(-1) > last)) last = t.at(-1);
    }
  }
  return last;
}

function keepBetween(series, from, before) {
  const kept = { ...series, t: [], mean: [], min: [], max: [] };
  for (let i = 0; i < series.t.length; i += 1) {
    if (series.t[i] < from || series.t[i] >= before) continue;
    kept.t.push(series.t[i]);
    for (const name of ['mean', 'min', 'max']) {
      kept[name].push((series[name] ?? series.mean)[i]);
    }
  }
  return kept;
}

function mergeSeries(old, added, from) {
  if (!added || added.t.length === 0) return keepBetween(old, from, Infinity);
  const kept = keepBetween(old, from, added.t[0]);
  return {
    ...added,
    t: [...kept.t, ...added.t],
    mean: [...kept.mean, ...added.mean],
    min: [...kept.min, ...(added.min ?? added.mean)],
    max: [...kept.max, ...(added.max ?? added.mean)],
  };
}

/** The answer shown, continued by a `since` answer; what slid out of the window is dropped. */
export function merge(shown, added) {
  const groups = shown.groups.map((group) => {
    const more = added.groups.find((one) => one.key === group.key);
    if (!more) return group;
    const series = group.series.map((old) => {
      const fresh = more.series.find((one) => one.metric === old.metric);
      return mergeSeries(old, fresh, added.range.from);
    });
    return { ...group, limits: more.limits ?? group.limits, series };
  });
  return { ...shown, ...added, groups };
}
