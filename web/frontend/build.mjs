/* The bundler of the portal's front end.
 *
 * What it reads:  src/** and the packages that package-lock.json pins (installed by `npm ci`).
 * What it writes: one folder (the only argument; ../static/dist by default) with
 *   app-*.js, chunk files   ES modules; charts are a chunk that is loaded only where a chart stands
 *   site-*.css, fonts       Tabler, uPlot and our own blocks in one style sheet
 *   world-*.json            land of the fleet's map as GeoJSON; ECharts is a chunk of pages with a map
 *   icons-*.svg             a sprite of the icons named in src/icons.json and nothing else
 *   manifest.json           entry -> {file, imports}; web/assets.py turns it into addresses
 *   *.gz, *.br              compressed copies, made once here and not per request
 *   THIRD-PARTY-NOTICES.txt licences of every package whose text is in the bundle
 *
 * Nobody calls this by hand: `python hatch_build.py` (or pip) installs, bundles and swaps the
 * folder in only when all of it succeeded. Adding an icon = one line in src/icons.json.
 * The policy is `default-src 'none'` without `data:`, so pictures inside style sheets are
 * written out as files (see `externalisePictures`).
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { feature } from 'topojson-client';

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = resolve(process.argv[2] ?? join(HERE, '..', 'static', 'dist'));
/** Below this many bytes compressing saves no packet. */
const ONE_PACKET = 1000;
const TARGET = ['chrome123', 'firefox121', 'safari17.5'];

/** Packages whose text reaches the bundle inside another package. */
const EMBEDDED = [
  { name: 'bootstrap (inside @tabler/core)', holder: '2011-2026 The Bootstrap Authors' },
];

/** Who holds the rights in packages that ship no licence file (their style sheet's head says so). */
const HOLDERS = { '@tabler/core': '2018-2026 The Tabler Authors and codecalm.net Paweł Kuna' };

const shared = {
  absWorkingDir: HERE,
  bundle: true,
  minify: true,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  outdir: OUT,
  target: TARGET,
};

function hashed(name, content) {
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 10);
  const dot = name.lastIndexOf('.');
  return `${name.slice(0, dot)}-${digest}${name.slice(dot)}`;
}

function writeHashed(name, content) {
  const file = hashed(name, content);
  writeFileSync(join(OUT, file), content);
  return file;
}

/** src/app.js -> app.js, src/charts/index.js (loaded on demand) -> charts.js */
function entryName(path) {
  const name = basename(path);
  return name === 'index.js' ? `${basename(dirname(path))}.js` : name;
}

async function bundleScripts() {
  const { metafile } = await build({
    ...shared,
    entryPoints: ['src/app.js'],
    format: 'esm',
    splitting: true,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
  });
  const entries = {};
  for (const [path, output] of Object.entries(metafile.outputs)) {
    if (!output.entryPoint) continue;
    const imports = output.imports
      .filter((one) => one.kind === 'import-statement')
      .map((one) => basename(one.path));
    entries[entryName(output.entryPoint)] = { file: basename(path), imports };
  }
  return { entries, inputs: Object.keys(metafile.inputs) };
}

/** Write every picture held as a data address in `css` to a file of its own. */
function externalisePictures(css) {
  return css.replace(/url\("data:image\/svg\+xml,([^"]+)"\)/g, (_whole, encoded) => {
    const svg = decodeURIComponent(encoded);
    return `url("./${writeHashed('picture.svg', svg)}")`;
  });
}

async function bundleStyles() {
  const result = await build({
    ...shared,
    entryPoints: { site: 'src/styles/site.css' },
    assetNames: '[name]-[hash]',
    loader: { '.woff2': 'file' },
    write: false,
  });
  const entries = {};
  for (const output of result.outputFiles) {
    if (!output.path.endsWith('.css')) {
      writeFileSync(output.path, output.contents);
      if (basename(output.path).startsWith('inter-latin-wght-normal')) {
        entries['font.woff2'] = { file: basename(output.path), imports: [] };
      }
      continue;
    }
    const css = externalisePictures(output.text);
    if (css.includes('data:')) throw new Error('a style sheet still holds a data: address');
    entries['site.css'] = { file: writeHashed('site.css', css), imports: [] };
  }
  return { entries, inputs: Object.keys(result.metafile.inputs) };
}

function symbol(name, source) {
  const folder = source.startsWith('own/') ? 'src/icons' : 'node_modules/bootstrap-icons/icons';
  const svg = readFileSync(join(HERE, folder, `${source.replace('own/', '')}.svg`), 'utf8');
  const box = svg.match(/viewBox="([^"]+)"/)[1];
  const body = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>'));
  return `<symbol id="${name}" viewBox="${box}">${body.replace(/\s*\n\s*/g, '')}</symbol>`;
}

function writePictures() {
  const icons = JSON.parse(readFileSync(join(HERE, 'src', 'icons.json'), 'utf8'));
  const symbols = Object.entries(icons).map(([name, source]) => symbol(name, source));
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>\n`;
  const favicon = readFileSync(join(HERE, 'src', 'icons', 'favicon.svg'));
  return {
    'icons.svg': { file: writeHashed('icons.svg', sprite), imports: [], icons: Object.keys(icons) },
    'favicon.svg': { file: writeHashed('favicon.svg', favicon), imports: [] },
  };
}

/** Countries as GeoJSON, to a hundredth of a degree: what the map's script and an operator's own file share. */
function writeWorld() {
  const file = join(HERE, 'node_modules', 'world-atlas', 'countries-110m.json');
  const atlas = JSON.parse(readFileSync(file, 'utf8'));
  const world = feature(atlas, atlas.objects.countries);
  world.features = world.features.filter((one) => one.properties.name !== 'Antarctica');
  const text = JSON.stringify(world, (_key, value) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value));
  return { 'world.json': { file: writeHashed('world.json', text), imports: [] } };
}

/** The words of the MIT licence, out of a package that ships them, after a copyright line. */
function mitText(holder) {
  const text = readFileSync(join(HERE, 'node_modules', 'bootstrap-icons', 'LICENSE'), 'utf8');
  return `Copyright (c) ${holder}\n\n${text.slice(text.indexOf('Permission is hereby')).trim()}`;
}

function licenceText(folder, { name, license }) {
  const file = readdirSync(folder).find((one) => /^(licen[cs]e|copying)/i.test(one));
  if (file) return readFileSync(join(folder, file), 'utf8').trim();
  if (license === 'MIT' && HOLDERS[name]) return mitText(HOLDERS[name]);
  throw new Error(`${name} ships no licence text: name its holder in HOLDERS`);
}

function notice(name) {
  const folder = join(HERE, 'node_modules', name);
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { version, license } = about;
  return { name: `${name} ${version}`, license, text: licenceText(folder, about) };
}

function writeNotices(inputs) {
  const names = new Set(['bootstrap-icons', 'world-atlas']);
  for (const path of inputs) {
    const found = relative(HERE, resolve(HERE, path)).match(/node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/);
    if (found) names.add(found[1].replace('\\', '/'));
  }
  const embedded = EMBEDDED.map(({ name, holder }) => ({ name, license: 'MIT', text: mitText(holder) }));
  const notices = [...embedded, ...[...names].sort().map(notice)];
  const text = notices.map((one) => `${one.name}\nLicence: ${one.license}\n\n${one.text}\n`);
  writeFileSync(join(OUT, 'THIRD-PARTY-NOTICES.txt'), text.join(`\n${'-'.repeat(72)}\n\n`));
}

function compressAll() {
  for (const file of readdirSync(OUT)) {
    if (!/\.(js|css|svg|json)$/.test(file)) continue;
    const content = readFileSync(join(OUT, file));
    if (content.length < ONE_PACKET) continue;
    writeFileSync(join(OUT, `${file}.gz`), gzipSync(content, { level: 9 }));
    const parameters = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    writeFileSync(join(OUT, `${file}.br`), brotliCompressSync(content, { params: parameters }));
  }
}

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const scripts = await bundleScripts();
const styles = await bundleStyles();
const manifest = { ...scripts.entries, ...styles.entries, ...writePictures(), ...writeWorld() };
writeNotices([...scripts.inputs, ...styles.inputs]);
compressAll();
writeFileSync(join(OUT, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
