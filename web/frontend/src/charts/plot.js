/* One small multiple: a uPlot of one metric group. Draws only; fetches nothing. */
import uPlot from 'uplot';
import { DASHES } from './colours.js';
import { hasEnvelope, toColumns } from './contract.js';
import { axisLabels, numberText } from './formats.js';
import { drawFlags, drawLimits, shadeMark, visibleLimits } from './marks.js';

export const GUTTER_PX = 46;
export const RIGHT_PX = 12;
const MIN_DRAG_PX = 8;
const AXIS_PX = 38;

/** Readings with a gap on either side: no line reaches them, so they are drawn as points. */
export function loneReadings(values) {
  const known = [];
  values.forEach((value, i) => { if (value !== undefined) known.push(i); });
  const isGap = (at) => at < 0 || at >= known.length || values[known[at]] === null;
  return known.filter((i, at) => values[i] !== null && isGap(at - 1) && isGap(at + 1));
}

function seriesOptions(group, colours) {
  const options = [{}];
  group.series.forEach((series, index) => {
    const colour = colours.series[index % colours.series.length];
    const dash = DASHES[index % DASHES.length];
    const isSparse = series.t.length < 60;
    options.push({
      label: series.label,
      stroke: colour,
      width: 1.5,
      dash,
      points: {
        show: isSparse,
        size: 4,
        fill: colour,
        filter: (plot, at, isShown) => (isShown ? null : loneReadings(plot.data[at])),
      },
    });
    // Least and greatest are drawn only as the edges of the band between them.
    for (const edge of ['min', 'max']) {
      options.push({ label: `${series.label} ${edge}`, stroke: 'transparent', width: 0, points: { show: false } });
    }
  });
  return options;
}

function bandOptions(group, colours) {
  return group.series.flatMap((series, index) => {
    if (!hasEnvelope(series)) return [];
    const mean = 1 + index * 3;
    return [{ series: [mean + 2, mean + 1], fill: colours.bands[index % colours.bands.length] }];
  });
}

/** Value range: the readings with some air, and each limit that does not squeeze them flat. */
export function valueRange(group, lowest, highest) {
  if (lowest === null || highest === null || lowest === undefined) return [0, 1];
  const values = [lowest, highest];
  visibleLimits(group, lowest, highest).forEach((limit) => values.push(limit.value));
  const low = Math.min(...values);
  const high = Math.max(...values);
  const air = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  // A quantity that never falls below zero keeps its zero line when it comes near it.
  const floor = low >= 0 && low - air < 0 ? 0 : low - air;
  return [floor, high + air];
}

function axes(colours, zone, isLast) {
  const font = `11px ${colours.font}`;
  const line = { stroke: colours.grid, width: 1 };
  return [
    {
      stroke: colours.ink, font, size: isLast ? AXIS_PX : 8, space: 72, gap: 6,
      grid: { ...line, dash: [2, 4] }, ticks: { ...line, size: isLast ? 4 : 0 },
      values: (_plot, splits, _axis, _space, increment) => (
        isLast ? axisLabels(splits, increment, zone) : splits.map(() => '')
      ),
    },
    {
      stroke: colours.ink, font, size: GUTTER_PX, space: 28, gap: 8,
      grid: line, ticks: { show: false },
      values: (_plot, splits) => splits.map(numberText),
    },
  ];
}

function drag(plot, onZoom) {
  const { left, width } = plot.select;
  if (width < MIN_DRAG_PX) return;
  onZoom(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
}

function hooks({ group, colours, mark, flags, onCursor, onZoom }) {
  return {
    drawClear: [(plot) => shadeMark(plot, mark, colours)],
    draw: [(plot) => drawFlags(plot, flags, colours), (plot) => drawLimits(plot, group, colours)],
    setCursor: [(plot) => onCursor(plot)],
    setSelect: onZoom ? [(plot) => drag(plot, onZoom)] : [],
  };
}

/**
 * Draw `group` into `host`. `view`: { from, to, zone, gapS, width, height, syncKey, isLast }.
 * `onCursor(plot)` follows the cursor, `onZoom(from, to)` tells the span that was dragged.
 */
export function drawPlot(host, group, view, parts) {
  const { colours, onZoom } = parts;
  const options = {
    width: view.width,
    height: view.height + (view.isLast ? AXIS_PX - 8 : 0),
    padding: [8, RIGHT_PX, 0, 0],
    legend: { show: false },
    tzDate: (s) => uPlot.tzDate(new Date(s * 1000), view.zone),
    cursor: {
      sync: { key: view.syncKey },
      y: false,
      drag: { x: Boolean(onZoom), y: false, setScale: false },
      points: { size: 7, width: 2 },
    },
    scales: {
      x: { time: true, range: () => [view.from, view.to] },
      y: { range: (_plot, low, high) => valueRange(group, low, high) },
    },
    axes: axes(colours, view.zone, view.isLast),
    series: seriesOptions(group, colours),
    bands: bandOptions(group, colours),
    hooks: hooks({ ...parts, group }),
  };
  return new uPlot(options, toColumns(group, view.gapS), host);
}
