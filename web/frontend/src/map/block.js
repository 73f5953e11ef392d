/* One map: ECharts draws the land, and moves and zooms it; the markers are links of the page above
 * it, so that they are reached by keys and read out. What it asks for: web/pages/fleet_map.py. */
import { MapChart } from 'echarts/charts';
import { GeoComponent } from 'echarts/components';
import { getMap, init, registerMap, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { geoNaturalEarth1 } from 'd3-geo';
import { element, icon } from '../elements.js';
import { counted, word } from '../words.js';
import { boxOf, cluster, frameOf } from './clusters.js';

use([MapChart, GeoComponent, CanvasRenderer]);

/** What each state looks like: icon of the sprite, kind of colour. */
const SIGNS = {
  stopped: ['stopped', 'stopped'],
  no_data: ['no-reading', 'silent'],
  needs_service: ['needs-service', 'service'],
  watch: ['watch', 'watch'],
  well: ['well', 'well'],
};
const ZOOM_STEP = 1.6;

async function readJson(address) {
  const answer = await fetch(address, { headers: { Accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

function colour(host, name) {
  const probe = element('i', { hidden: true });
  host.append(probe);
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** d3's projection as ECharts wants it; `stream` cuts polygons at the date line. */
function projection() {
  const earth = geoNaturalEarth1();
  return {
    project: (point) => earth(point),
    unproject: (point) => earth.invert(point),
    stream: earth.stream,
  };
}

export class MapBlock {
  constructor(host) {
    this.host = host;
    this.isSmall = host.classList.contains('mw-map-small');
    this.found = null;
    this.frame = 0;
  }

  async load() {
    this.say(word('map.loading'));
    try {
      const { sites, base } = this.host.dataset;
      const name = base ?? 'base';
      const [found, land] = await Promise.all([readJson(sites), getMap(name) ? null : readJson(base)]);
      if (land) registerMap(name, land);
      this.found = found;
      this.draw(name);
    } catch {
      this.say(word('map.failed'));
    }
  }

  say(text) {
    this.host.replaceChildren(element('div', { class: 'mw-map-state' }, element('p', {}, text)));
  }

  draw(name) {
    this.canvas = element('div', { class: 'mw-map-canvas', 'aria-hidden': 'true' });
    this.markers = element('ul', { class: 'mw-map-markers' });
    this.host.replaceChildren(this.canvas, this.markers, ...(this.isSmall ? [] : [this.tools()]));
    this.chart = init(this.canvas, null, { renderer: 'canvas' });
    this.chart.setOption({
      animation: false,
      geo: {
        map: name,
        roam: !this.isSmall,
        silent: true,
        projection: projection(),
        boundingCoords: frameOf(this.found.sites),
        scaleLimit: { min: 0.3, max: 60 },
        ...this.colours(),
      },
    });
    this.chart.on('georoam', () => this.later());
    this.place();
  }

  colours() {
    const line = colour(this.host, '--mw-surface');
    return { itemStyle: { areaColor: colour(this.host, '--mw-land'), borderColor: line } };
  }

  recolour() {
    this.chart?.setOption({ geo: this.colours() });
  }

  resize() {
    // A page that is left or folded has no size, and a map without one cannot be computed.
    if (!this.chart || !this.canvas.clientWidth || !this.canvas.clientHeight) return;
    this.chart.resize();
    this.later();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.chart?.dispose();
  }

  tools() {
    const button = (sign, label, factor) => element('button', {
      class: 'mw-top-button', type: 'button', 'aria-label': label, title: label,
      onclick: () => this.zoom(factor),
    }, icon(sign));
    return element('div', { class: 'mw-map-tools' },
      button('plus', word('map.closer'), ZOOM_STEP),
      button('minus', word('map.farther'), 1 / ZOOM_STEP));
  }

  zoom(factor) {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.chart.dispatchAction({
      type: 'geoRoam', componentType: 'geo', zoom: factor, originX: width / 2, originY: height / 2,
    });
    this.later();
  }

  later() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.place());
  }

  place() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const at = (point) => this.chart.convertToPixel('geo', point);
    const groups = cluster(this.found.sites, at, width, height);
    this.markers.replaceChildren(...groups.map((group) => this.marker(group)));
  }

  marker(group) {
    const worst = this.found.states[group.counts.findIndex((count) => count > 0)];
    const [sign, kind] = SIGNS[worst.sign];
    const total = group.counts.reduce((sum, count) => sum + count, 0);
    const text = this.describe(group, total);
    const link = element('a', {
      class: `mw-marker mw-marker-${kind}`, href: this.address(group), title: text,
    }, icon(sign), element('span', { 'aria-hidden': 'true' }, String(total)),
    element('span', { class: 'mw-only-read' }, text));
    const entry = element('li', {}, link);
    entry.style.left = `${group.x}px`;
    entry.style.top = `${group.y}px`;
    return entry;
  }

  describe({ sites, counts }, total) {
    const where = sites.length === 1
      ? `${sites[0].name}, ${sites[0].customer}`
      : counted('map.sites', sites.length);
    const states = counts.map((count, i) => count && `${this.found.states[i].label} ${count}`);
    return `${where}: ${counted('map.machines', total)}. ${states.filter(Boolean).join(', ')}`;
  }

  address({ sites }) {
    if (sites.length === 1) return sites[0].url;
    const address = new URL(this.found.list, location.href);
    address.searchParams.set('box', boxOf(sites));
    return `${address.pathname}${address.search}`;
  }
}
