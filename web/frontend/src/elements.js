/* Small builders of page elements; no markup is ever made from strings. */

const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes and children; `null` and `false` attributes are left out. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An icon from the sprite, or an empty text where no sprite was built. */
export function icon(name) {
  const sprite = document.querySelector('meta[name="mw-icons"]')?.content;
  if (!sprite) return document.createTextNode('');
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'mw-icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${sprite}#${name}`);
  svg.append(use);
  return svg;
}
