/* What is drawn over and under the lines: limits, a marked span, flags of visits. */

import { numberText } from './formats.js';

const SQUEEZE = 0.4;

/** The limits that can be shown while the readings keep `SQUEEZE` of the height. */
export function visibleLimits(group, lowest, highest) {
  const size = highest - lowest || Math.abs(highest) * 0.1 || 1;
  return (group.limits ?? []).filter(({ value }) => {
    const total = Math.max(highest, value) - Math.min(lowest, value);
    return size / total >= SQUEEZE;
  });
}

export function isShown(plot, { value }) {
  const { min, max } = plot.scales.y;
  return value >= min && value <= max;
}

function inPlot(plot, draw) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, bbox, devicePixelRatio);
  ctx.restore();
}

/** Words on the line itself, at its old end, on a patch of the background so that nothing crosses them. */
function label(ctx, text, left, y, { colours, ratio }) {
  ctx.font = `500 ${10.5 * ratio}px ${colours.font}`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  const width = ctx.measureText(text).width + 10 * ratio;
  ctx.fillStyle = colours.surface;
  ctx.fillRect(left - 5 * ratio, y - 7 * ratio, width, 14 * ratio);
  ctx.fillStyle = colours.limit;
  ctx.fillText(text, left, y + 0.5 * ratio);
}

export function limitText({ label: name, value }, unit) {
  return [name, numberText(value), unit].filter(Boolean).join(' ');
}

export function drawLimits(plot, group, colours) {
  const shown = (group.limits ?? []).filter((limit) => isShown(plot, limit));
  inPlot(plot, (ctx, bbox, ratio) => {
    for (const limit of shown) {
      const y = Math.round(plot.valToPos(limit.value, 'y', true));
      ctx.strokeStyle = colours.limit;
      ctx.lineWidth = 1.25 * ratio;
      ctx.setLineDash([5 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      label(ctx, limitText(limit, group.unit), bbox.left + 6 * ratio, y, { colours, ratio });
    }
  });
}

export function shadeMark(plot, mark, colours) {
  if (!mark) return;
  inPlot(plot, (ctx, bbox, ratio) => {
    const from = plot.valToPos(mark.from, 'x', true);
    const to = plot.valToPos(mark.to, 'x', true);
    ctx.fillStyle = colours.mark;
    ctx.fillRect(from, bbox.top, Math.max(to - from, ratio), bbox.height);
    ctx.fillStyle = colours.markEdge;
    ctx.fillRect(from, bbox.top, 1.5 * ratio, bbox.height);
    ctx.fillRect(to - 1.5 * ratio, bbox.top, 1.5 * ratio, bbox.height);
  });
}

export function drawFlags(plot, flags, colours) {
  if (!flags?.length) return;
  inPlot(plot, (ctx, bbox, ratio) => {
    for (const flag of flags) {
      const x = Math.round(plot.valToPos(flag.at, 'x', true));
      ctx.strokeStyle = colours.flag;
      ctx.lineWidth = ratio;
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
  });
}
