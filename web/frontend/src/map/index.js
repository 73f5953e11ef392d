/* Mounts maps and tells them of changes, of their size and of light and dark. */
import { MapBlock } from './block.js';

const blocks = new Map(); // element -> MapBlock

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) blocks.get(target)?.resize();
});

function forget() {
  for (const [host, block] of blocks) {
    if (host.isConnected) continue;
    block.stop();
    sizes.unobserve(host);
    blocks.delete(host);
  }
}

export function mount(root) {
  forget();
  const hosts = [...root.querySelectorAll('[data-map]')];
  if (root.matches?.('[data-map]')) hosts.push(root);
  for (const host of hosts) {
    if (blocks.has(host)) continue;
    const block = new MapBlock(host);
    blocks.set(host, block);
    sizes.observe(host);
    block.load();
  }
}

document.addEventListener('mw:theme', () => blocks.forEach((block) => block.recolour()));
