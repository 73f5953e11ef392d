/* The small multiples of a block with their heads and the strip of alarms below. */
import { element } from '../elements.js';
import { readColours } from './colours.js';
import { hasEnvelope, toColumns } from './contract.js';
import { buildLegend } from './legend.js';
import { drawPlot } from './plot.js';
import { buildStrip } from './strip.js';

const NARROW_PX = 560;
const HEIGHT_PX = 136;
const NARROW_HEIGHT_PX = 116;
let made = 0;

/** What must stay the same for new points to be put into plots that already stand. */
function shapeOf(answer) {
  return JSON.stringify(answer.groups.map((group) => [
    group.key, group.limits, group.series.map((series) => [series.metric, hasEnvelope(series)]),
  ]));
}

export class Panels {
  #panels = [];
  #strip = null;
  #shape = '';

  /** `onMoment(seconds | null)` follows the cursor; `onZoom(from, to)` tells a dragged span. */
  constructor({ host, mark, onMoment, onZoom }) {
    Object.assign(this, { host, mark, onMoment, onZoom });
    this.syncKey = `mw-chart-${(made += 1)}`;
  }

  clear() {
    this.#panels.forEach(({ plot }) => plot.destroy());
    this.#panels = [];
    this.#strip = null;
    this.#shape = '';
  }

  draw(answer, width) {
    this.#shape = shapeOf(answer);
    const colours = readColours(this.host);
    answer.groups.forEach((group, index) => this.#drawGroup(group, index, { answer, width, colours }));
    this.#placeStrip(answer, width);
  }

  #drawGroup(group, index, { answer, width, colours }) {
    const legend = buildLegend(group);
    const label = [group.label, group.unit].filter(Boolean).join(', ');
    const place = element('div', { class: 'mw-plot', role: 'img', 'aria-label': label });
    this.host.append(legend, place);
    const asked = Number.parseFloat(this.host.dataset.height);
    const view = {
      from: answer.range.from,
      to: answer.range.to,
      zone: answer.time_zone,
      gapS: answer.gap_s,
      width,
      height: asked || (width < NARROW_PX ? NARROW_HEIGHT_PX : HEIGHT_PX),
      syncKey: this.syncKey,
      isLast: index === answer.groups.length - 1,
    };
    const onCursor = (plot) => {
      legend.show(plot);
      if (index > 0) return;
      this.onMoment(plot.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, 'x') : null);
    };
    const parts = { colours, mark: this.mark, flags: answer.flags, onCursor, onZoom: this.onZoom };
    const plot = drawPlot(place, group, view, parts);
    legend.show(plot);
    this.#panels.push({ plot, legend, view });
  }

  #placeStrip(answer, width) {
    const strip = buildStrip(answer, width);
    if (this.#strip) this.#strip.remove();
    this.#strip = strip;
    if (!strip) return;
    const last = this.#panels.at(-1)?.plot.root.parentElement;
    if (last) last.after(strip);
    else this.host.append(strip);
  }

  /** Put the points of a continued answer into the standing plots; false when they do not fit. */
  update(answer, width) {
    if (this.#panels.length === 0 || this.#shape !== shapeOf(answer)) return false;
    answer.groups.forEach((group, index) => {
      const { plot, legend, view } = this.#panels[index];
      Object.assign(view, { from: answer.range.from, to: answer.range.to });
      legend.group = group;
      plot.setData(toColumns(group, answer.gap_s));
      legend.show(plot);
    });
    this.#placeStrip(answer, width);
    return true;
  }
}
