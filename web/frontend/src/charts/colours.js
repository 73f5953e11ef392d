/* Colours of charts, read from the style sheet so that light and dark follow its tokens. */

export const SERIES_COLOURS = 6;

/** From the fourth series on, a second sign beside colour: dashes (in CSS pixels). */
export const DASHES = [[], [], [], [6, 3], [2, 3], [8, 3, 2, 3]];

let probe = null;

/** The computed colour of a custom property; canvas knows neither variables nor light-dark(). */
function resolve(name, host) {
  probe ??= document.createElement('i');
  probe.hidden = true;
  host.append(probe);
  probe.style.color = `var(${name})`;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export function readColours(host) {
  const series = [];
  const bands = [];
  for (let i = 1; i <= SERIES_COLOURS; i += 1) {
    series.push(resolve(`--mw-series-${i}`, host));
    bands.push(resolve(`--mw-band-${i}`, host));
  }
  return {
    series,
    bands,
    ink: resolve('--mw-ink-3', host),
    grid: resolve('--mw-chart-grid', host),
    limit: resolve('--mw-chart-limit', host),
    mark: resolve('--mw-chart-mark', host),
    markEdge: resolve('--mw-chart-mark-edge', host),
    flag: resolve('--mw-accent', host),
    surface: resolve('--mw-surface', host),
    font: getComputedStyle(host).fontFamily,
  };
}
