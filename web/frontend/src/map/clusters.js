/* Groups sites that would stand on each other: one marker a cell of a grid on the screen. Pure. */

/** Side of a cell in CSS pixels: a marker and a finger's width. */
export const CELL = 52;
/** What a marker covers. */
const WIDE = 58;
const HIGH = 32;

function join(group, site, point) {
  group.sites.push(site);
  group.x += point[0];
  group.y += point[1];
  site.counts.forEach((count, i) => { group.counts[i] += count; });
}

/** `place` gives a site's [x, y] on the screen; sites beyond `width` and `height` are left out.
 *  Answers [{x, y, counts, sites}], x and y in the middle of the group's sites. */
export function cluster(sites, place, width, height) {
  const cells = new Map();
  for (const site of sites) {
    const point = place(site.at);
    if (!point || point[0] < 0 || point[1] < 0 || point[0] > width || point[1] > height) continue;
    const key = `${Math.floor(point[0] / CELL)}:${Math.floor(point[1] / CELL)}`;
    if (!cells.has(key)) {
      cells.set(key, { x: 0, y: 0, counts: site.counts.map(() => 0), sites: [] });
    }
    join(cells.get(key), site, point);
  }
  const groups = [...cells.values()].map((group) => ({
    ...group,
    x: group.x / group.sites.length,
    y: group.y / group.sites.length,
  }));
  return mergeTouching(groups);
}

/** Cells that touch may hold markers that cover each other: the smaller one joins the larger. */
function mergeTouching(groups) {
  const kept = [];
  for (const group of groups.sort((a, b) => b.sites.length - a.sites.length)) {
    const near = kept.find((one) => Math.abs(one.x - group.x) < WIDE && Math.abs(one.y - group.y) < HIGH);
    if (!near) {
      kept.push(group);
      continue;
    }
    near.sites.push(...group.sites);
    group.counts.forEach((count, i) => { near.counts[i] += count; });
  }
  return kept;
}

/** The part of the map that holds these sites, as the list's address writes it. */
export function boxOf(sites) {
  const east = sites.map((site) => site.at[0]);
  const north = sites.map((site) => site.at[1]);
  const down = (values) => Math.floor(Math.min(...values) * 1e4) / 1e4;
  const up = (values) => Math.ceil(Math.max(...values) * 1e4) / 1e4;
  return [down(north), down(east), up(north), up(east)].join(',');
}

/** Corners [[west, north], [east, south]] with room around all sites, never closer than a region. */
export function frameOf(sites) {
  const span = (values, least, limit) => {
    const low = Math.min(...values);
    const high = Math.max(...values);
    const room = Math.max((high - low) * 0.12, (least - (high - low)) / 2, 2);
    return [Math.max(low - room, -limit), Math.min(high + room, limit)];
  };
  const [west, east] = span(sites.map((site) => site.at[0]), 16, 180);
  const [south, north] = span(sites.map((site) => site.at[1]), 9, 85);
  return [[west, north], [east, south]];
}
