/* Mounts chart blocks and tells them of new readings, of their size and of light and dark. */
import { Block } from './block.js';

const blocks = new Map(); // element -> Block

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) blocks.get(target)?.resize(contentRect.width);
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
  const hosts = [...root.querySelectorAll('[data-chart]')];
  if (root.matches?.('[data-chart]')) hosts.push(root);
  for (const host of hosts) {
    if (blocks.has(host)) continue;
    const block = new Block(host);
    blocks.set(host, block);
    sizes.observe(host);
    block.load(block.start);
  }
}

document.addEventListener('mw:reading', ({ detail }) => {
  for (const [host, block] of blocks) {
    const { asset } = host.dataset;
    const isMine = !asset || detail.asset === undefined || String(detail.asset) === asset;
    if (isMine) block.follow();
  }
});

document.addEventListener('mw:theme', () => blocks.forEach((block) => block.render()));
