/**
 * Builds the viewer into static/build/viewer/: the entry `viewer.js`, its chunks, the decoding worker, the codecs
 * as WebAssembly files, and the icons of the tool bar as one sprite. Everything but the entry and the sprite has the
 * hash of its content in its name.
 */

import { build } from 'esbuild';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, '../../static/build/viewer');
const fresh = `${target}.new`;

const ICONS = [
  'activity', 'circle', 'circle-play', 'columns-2', 'contrast', 'crosshair', 'eclipse', 'file-text', 'film',
  'flip-horizontal-2', 'flip-vertical-2', 'grid-2x2', 'hand', 'keyboard', 'layers', 'layout-grid', 'maximize',
  'pause', 'play', 'rotate-ccw', 'rotate-cw', 'ruler', 'scan', 'sliders-horizontal', 'square', 'square-equal',
  'star', 'trash-2', 'triangle-right', 'undo-2', 'zoom-in',
];

/** What Cornerstone's packages bring for Node, for files on disk and for WebGL is not used here and left out. */
const leaveOut = {
  name: 'leave-out',
  setup(builder) {
    const unused = () => ({ path: 'unused', namespace: 'unused' });
    builder.onResolve({ filter: /^(fs|path|url)$/ }, unused);
    builder.onResolve({ filter: /^(@kitware\/vtk\.js|\.\.?)\/(.*\/)?(OpenGL|WebGPU|IO)\// }, ({ path, importer }) =>
      path.startsWith('@kitware') || importer.includes('@kitware') ? unused() : undefined,
    );
    builder.onResolve({ filter: /displayset\/|safeFunctions\/|dicomStream\/|naturalizedHandlers|registerDefaultProviders/ }, ({ importer }) =>
      importer.includes('@cornerstonejs') ? unused() : undefined,
    );
    builder.onResolve({ filter: /^dcmjs$/ }, () => ({ path: join(here, 'src/stage/without-dcmjs.ts') }));
    // Whatever is taken from it, called or extended is again nothing.
    builder.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({
      contents: `const nothing = new Proxy(function () {}, {
        get: (_, name) => (name === '__esModule' ? true : name === Symbol.toPrimitive ? () => '' : name === 'prototype' ? {} : nothing),
        apply: () => nothing,
        construct: () => nothing,
      });
      module.exports = nothing;`,
      loader: 'js',
    }));
  },
};

/** Places in Cornerstone that are put right. The build stops where a new version no longer has them. */
const CORRECTIONS = [
  {
    // The Content-Security-Policy forbids style attributes; the same through the object model is allowed.
    file: /drawingSvg[\\/]drawTextBox\.js$/,
    before: "textElement.setAttribute('style', combinedStyle)",
    after: 'textElement.style.cssText = combinedStyle',
  },
  {
    // Asking for WebGL starts the browser's graphics process, which we have no use for: 60 ms and its memory.
    file: /utilities[\\/]renderingCapabilities\.js$/,
    before: "if (typeof document === 'undefined')",
    after: 'if (true)',
  },
];

const corrections = {
  name: 'corrections',
  setup(builder) {
    for (const { file, before, after } of CORRECTIONS) {
      builder.onLoad({ filter: file }, ({ path }) => {
        const original = readFileSync(path, 'utf8');
        if (!original.includes(before)) throw new Error(`${path} has changed: it no longer holds ${before}`);
        return { contents: original.replace(before, after), loader: 'js' };
      });
    }
  },
};

const common = {
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: ['chrome109', 'firefox115', 'safari16.4'],
  outdir: fresh,
  absWorkingDir: here,
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
};

async function buildWorker() {
  const result = await build({
    ...common,
    entryPoints: { decode: 'src/pixels/worker.ts' },
    splitting: true,
    entryNames: '[name]-[hash]',
    chunkNames: 'codec-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.wasm': 'file' },
    plugins: [leaveOut],
  });
  const worker = Object.entries(result.metafile.outputs).find(([, output]) => output.entryPoint === 'src/pixels/worker.ts');
  return basename(worker[0]);
}

async function buildPage(workerFile) {
  const result = await build({
    ...common,
    entryPoints: { viewer: 'src/main.ts' },
    splitting: true,
    entryNames: '[name]',
    chunkNames: 'viewer-[hash]',
    define: { WORKER_FILE: JSON.stringify(`./${workerFile}`), 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    plugins: [leaveOut, corrections],
  });
  return result.metafile;
}

function writeIcons() {
  const symbols = ICONS.map((name) => {
    const svg = readFileSync(join(here, 'node_modules/lucide-static/icons', `${name}.svg`), 'utf8');
    const drawing = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>')).trim();
    return `<symbol id="${name}" viewBox="0 0 24 24">${drawing.replace(/\s*\n\s*/g, '')}</symbol>`;
  });
  writeFileSync(join(fresh, 'icons.svg'), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('\n')}</svg>\n`);
}

/** No page ever sees half a build: the new files come first, the entry that names them last, old chunks go after. */
function publish() {
  mkdirSync(target, { recursive: true });
  const names = readdirSync(fresh);
  const lastOnes = ['viewer.js'];
  for (const name of [...names.filter((one) => !lastOnes.includes(one)), ...lastOnes]) {
    renameSync(join(fresh, name), join(target, name));
  }
  for (const name of readdirSync(target)) if (!names.includes(name)) rmSync(join(target, name), { recursive: true });
  rmSync(fresh, { recursive: true });
}

const started = Date.now();
if (existsSync(fresh)) rmSync(fresh, { recursive: true });
mkdirSync(fresh, { recursive: true });
const metafile = await buildPage(await buildWorker());
writeIcons();
if (process.env.CEDAR_VIEWER_META) writeFileSync(process.env.CEDAR_VIEWER_META, JSON.stringify(metafile));
publish();
console.log(`Viewer built in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
