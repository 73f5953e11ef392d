/* A chart block: which window is shown, asking for it, and its states in words. */
import { element } from '../elements.js';
import { word } from '../words.js';
import { isEmpty, merge, newest } from './contract.js';
import { zoneName } from './formats.js';
import { Panels } from './panels.js';
import { Source } from './source.js';
import { buildTables } from './table.js';
import { buildToolbar, showMoment } from './toolbar.js';

const LEAST_REFRESH_MS = 2_000;
const MOST_REFRESH_MS = 15_000;
const LEAST_POINTS = 200;

function number(text) {
  const value = Number.parseFloat(text);
  return Number.isFinite(value) ? value : null;
}

export class Block {
  #askedAt = 0;
  #timer = null;

  constructor(host) {
    const { url, groups, range, mode, from, to, markFrom, markTo } = host.dataset;
    this.host = host;
    this.width = host.clientWidth;
    this.source = new Source(url, groups);
    this.isEvidence = mode === 'evidence';
    this.start = this.isEvidence ? { from: number(from), to: number(to) } : { range: range || '24h' };
    this.query = this.start;
    this.answer = null;
    this.asTable = false;
    this.moment = element('span', { class: 'mw-chart-moment mw-num' });
    this.panels = new Panels({
      host,
      mark: markFrom && markTo ? { from: number(markFrom), to: number(markTo) } : null,
      onMoment: (s) => showMoment(this.moment, s, this.zone, this.zoneName),
      onZoom: (a, b) => this.zoom(a, b),
    });
  }

  get range() { return { key: this.query.range ?? null }; }

  get window() { return this.answer.range; }

  get zone() { return this.answer.time_zone; }

  get zoneName() { return zoneName(this.window.to, this.zone); }

  get isZoomed() { return this.query !== this.start; }

  get isFollowing() { return this.query.range !== undefined && this.answer !== null; }

  showRange(key) {
    this.start = { range: key };
    this.load(this.start);
  }

  zoom(from, to) { this.load({ from: Math.round(from), to: Math.round(to) }); }

  reset() { this.load(this.start); }

  toggleTable() {
    this.asTable = !this.asTable;
    this.render();
    this.host.querySelector('.mw-tool[aria-pressed]')?.focus();
  }

  async load(query) {
    this.query = query;
    this.host.setAttribute('aria-busy', 'true');
    if (!this.answer) this.#say(word('chart.loading'));
    try {
      this.answer = await this.#ask(query);
      this.render();
    } catch (error) {
      if (error.name !== 'AbortError') this.#fail(error);
      else return;
    }
    this.host.removeAttribute('aria-busy');
  }

  /** Fetch what is new since the newest point shown; many calls in a moment become one. */
  follow() {
    if (!this.isFollowing || this.#timer) return;
    // A point every thousandth of the window is all that a screen can show.
    const pause = Math.min(MOST_REFRESH_MS, Math.max(LEAST_REFRESH_MS, this.window.to - this.window.from));
    const wait = Math.max(0, this.#askedAt + pause - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.isFollowing && !this.asTable && !this.source.isBusy) this.#continue();
    }, wait);
  }

  async #continue() {
    const since = newest(this.answer);
    try {
      const more = await this.#ask({ ...this.query, since });
      this.answer = since === null ? more : merge(this.answer, more);
    } catch {
      return; // the chart stands as it is; the next reading asks again
    }
    if (!this.panels.update(this.answer, this.width)) this.render();
  }

  async #ask(query) {
    this.#askedAt = performance.now();
    const points = Math.max(LEAST_POINTS, Math.round(this.width));
    return this.source.ask({ ...query, points });
  }

  #say(text, ...more) {
    this.panels.clear();
    this.host.replaceChildren(
      element('div', { class: 'mw-chart-state', role: 'status' }, element('p', {}, text), ...more),
    );
  }

  #fail(error) {
    const isRefused = error.status === 401 || error.status === 403;
    this.answer = null;
    const attributes = { type: 'button', class: 'btn', onclick: () => this.load(this.query) };
    const again = element('button', attributes, word('chart.retry'));
    this.#say(word(isRefused ? 'chart.refused' : 'chart.failed'), again);
  }

  render() {
    if (!this.answer) return;
    this.panels.clear();
    showMoment(this.moment, null, this.zone, this.zoneName);
    this.host.replaceChildren(buildToolbar(this));
    if (isEmpty(this.answer)) {
      this.host.append(element('div', { class: 'mw-chart-state' }, element('p', {}, word('chart.empty'))));
    } else if (this.asTable) {
      this.host.append(buildTables(this.answer));
    } else {
      this.panels.draw(this.answer, this.width);
      this.#addMarkNote();
    }
  }

  #addMarkNote() {
    const { markLabel } = this.host.dataset;
    if (!this.panels.mark || !markLabel) return;
    const sign = element('span', { class: 'mw-mark-sign', 'aria-hidden': 'true' });
    this.host.append(element('p', { class: 'mw-mark-note' }, sign, ` ${markLabel}`));
  }

  resize(width) {
    if (width === 0 || Math.abs(width - this.width) < 2) return;
    this.width = width;
    this.render();
  }

  stop() {
    clearTimeout(this.#timer);
    this.source.stop();
    this.panels.clear();
  }
}
