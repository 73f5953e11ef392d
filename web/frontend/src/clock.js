/* The server's clock, as the page knows it. A demo or a replay may run faster than the wall
 * clock, so a browser's own time must never stand beside the machine's. */

const started = performance.now();

function attribute(name, fallback) {
  const value = Number.parseFloat(document.documentElement.dataset[name]);
  return Number.isFinite(value) ? value : fallback;
}

/** Milliseconds since 1970 on the clock that all processes share. */
export function nowMs() {
  const at = attribute('nowMs', Date.now() - performance.now() + started);
  return at + (performance.now() - started) * attribute('clockSpeed', 1);
}
