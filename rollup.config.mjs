// Builds dist/: per-module ESM for bundlers and one minified ESM file for a script tag; WGSL and WASM travel inside the JavaScript.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import nodeResolve from '@rollup/plugin-node-resolve';
import { transform } from 'esbuild';
import esbuild from 'rollup-plugin-esbuild';

/**
 * Inlines `*.wasm` and `*.wasm.z` as `export default Uint8Array` and `*.wgsl` as `export default string`: lines `#import "../shared/file.wgsl"`
 * replaced by that file (once, in the order of first mention), comments and needless white space removed.
 * Shared with vitest, so that tests see what users get.
 * @returns {import('rollup').Plugin & { enforce: 'pre' }}
 */
export function inlineBinaries() {
  return {
    name: 'labelweave:inline-binaries',
    // Before vite's own idea of what a *.wasm import is; rollup knows no such field.
    enforce: 'pre',
    async load(id) {
      const inline = inliners[/\.(wasm|z|wgsl)$/.exec(id)?.[1]];
      if (!inline) return null;
      this.addWatchFile?.(id);
      const watch = (file) => this.addWatchFile?.(file);
      return { code: `export default ${inline(await readFile(id), id, watch)};`, map: { mappings: '' } };
    },
  };
}

const inliners = {
  // Hexadecimal, because gzip sees the repeated instructions in it: 15 kB for 42 kB of kernels, 19 kB as base64. What is compressed already
  // stays smallest as base64.
  z: (bytes) => `/* @__PURE__ */ ((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))('${bytes.toString('base64')}')`,
  wasm: (bytes) =>
    `/* @__PURE__ */ ((hex) => new Uint8Array(hex.length / 2).map((_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16)))('${bytes.toString('hex')}')`,
  wgsl: (_, id, watch) => JSON.stringify(minifyWgsl(joinWgsl(id, watch))),
};

/** Text of a kernel with its imports brought in. An import that is not found, or one that is woven into itself, fails the build. */
function joinWgsl(id, watch, seen = new Set()) {
  seen.add(id);
  return readFileSync(id, 'utf8').replace(/^[ \t]*#import\b(.*)$/gm, (line, rest) => {
    const [, path] = /^\s+"([^"]+\.wgsl)"\s*(?:\/\/.*)?$/.exec(rest) ?? [];
    if (!path) throw new Error(`${id}: found ${line.trim()}; wanted #import "../shared/file.wgsl"`);
    const file = resolve(dirname(id), path);
    if (seen.has(file)) return '';
    if (!existsSync(file)) throw new Error(`${id}: found ${line.trim()}; wanted a file that exists (${file})`);
    watch(file);
    return joinWgsl(file, watch, seen);
  });
}

/** WGSL without comments (blocks nest) and with no more white space than around operators. */
function minifyWgsl(text) {
  let code = '';
  for (let at = 0, depth = 0; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    if (two === '/*') depth++;
    else if (two === '*/' && depth > 0) depth--;
    else if (depth > 0) continue;
    else if (two === '//') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
      code += '\n';
      continue;
    } else {
      code += text[at];
      continue;
    }
    code += ' ';
    at++;
  }
  return code
    .replace(/\s+/g, ' ')
    .replace(/ ?([{}()[\],;:]) ?/g, '$1')
    .trim();
}

const root = fileURLToPath(new URL('.', import.meta.url));

/**
 * Source file of every JavaScript entry in package.json's exports, by its place in dist without ending:
 * `{ 'taxonomy/index': 'sdk/taxonomy/index.ts' }`. A `*` stands for every file there. The declarations are built from the same list.
 */
export function entries() {
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const places = Object.values(exports)
    .map((target) => target.default)
    .filter(Boolean)
    .map((file) => file.slice('./dist/'.length, -'.js'.length))
    .flatMap((place) => (place.endsWith('/*') ? filesIn(place.slice(0, -1)) : place));
  return Object.fromEntries(places.map((place) => [place, `sdk/${place}.ts`]));
}

const filesIn = (folder) => readdirSync(`${root}sdk/${folder}`).map((file) => folder + file.slice(0, -'.ts'.length));

/** `#platform` becomes sdk/platform.ts; everything else must resolve, so that the file needs nothing beside it. */
const webPlatform = {
  name: 'labelweave:web-platform',
  resolveId: (id) => (id === '#platform' ? `${root}sdk/platform.ts` : null),
};

/**
 * Two entries for pages without a bundler share their files, and what only training needs must not make a page that detects load more. Modules that read
 * and write (they hold no state and no classes) are there twice: what training takes of them, all that writes, is a copy of its own.
 */
const ownWriters = {
  name: 'labelweave:own-writers',
  async resolveId(id, importer) {
    if (!/\/(package|graph-file|safetensors)\.js$/.test(id) || !/sdk\/(train\/.*|graph\/index|.*\.own)\.ts$/.test(importer))
      return null;
    const resolved = await this.resolve(id, importer, { skipSelf: true });
    return resolved.id.replace(/\.ts$/, '.own.ts');
  },
  load: (id) => (id.endsWith('.own.ts') ? readFile(id.replace('.own.ts', '.ts'), 'utf8') : null),
};

/** Modules that `labelweave` loads at once, one chunk; and those that every runtime loads. Others are as rollup finds best. */
function pageChunks(id, { getModuleInfo }) {
  if (!pageChunks.core) {
    pageChunks.core = new Set();
    const add = (one) => !pageChunks.core.has(one) && pageChunks.core.add(one) && getModuleInfo(one).importedIds.forEach(add);
    add(`${root}sdk/index.ts`);
  }
  if (pageChunks.core.has(id)) return 'core';
  return /sdk\/runtime\/(feeds|taps|axes|memory-plan|pause)\.ts$/.test(id) ? 'runtime' : undefined;
}

/**
 * Puts the numbers of assembly/records.ts (const enums) where they are named. The compiler does so for a whole program; file by file it
 * cannot, and the names would cost 3 kB with gzip.
 */
export const inlineRecords = {
  name: 'labelweave:inline-records',
  async transform(code, id) {
    const statement = /import \{([^}]*)\} from '[./]*\/assembly\/records\.js';/.exec(code);
    if (!statement || !id.endsWith('.ts')) return null;
    const source = await transform(readFileSync(`${root}assembly/records.ts`, 'utf8'), { loader: 'ts', format: 'esm' });
    const records = await import(`data:text/javascript,${encodeURIComponent(source.code)}`);
    let inlined = code.replace(statement[0], '');
    for (const name of statement[1].split(',').filter((part) => part.trim())) {
      const [exported, local = exported] = name.trim().split(' as ');
      inlined = inlined.replace(
        new RegExp(`\\b${local}\\.(\\w+)\\b`, 'g'),
        (text, member) => records[exported]?.[member] ?? text,
      );
    }
    return { code: inlined, map: null };
  },
};

/** Type-only modules leave nothing behind. */
const dropEmptyFiles = {
  name: 'labelweave:drop-empty-files',
  generateBundle(_, bundle) {
    for (const [name, file] of Object.entries(bundle)) if (file.type === 'chunk' && !file.code.trim()) delete bundle[name];
  },
};

/** Files that are published as they are, beside the code they belong to. */
const dataFiles = {
  name: 'labelweave:data-files',
  generateBundle() {
    for (const fileName of ['taxonomy/file/taxonomy.schema.json'])
      this.emitFile({ type: 'asset', fileName, source: readFileSync(`${root}sdk/${fileName}`) });
  },
};

const cleanDist = { name: 'labelweave:clean-dist', buildStart: () => rmSync(`${root}dist`, { recursive: true, force: true }) };

/** A warning is a mistake: an import that is not found, a cycle, a missing export. */
function onLog(level, log, handle) {
  if (log.code === 'EMPTY_BUNDLE') return;
  handle(level === 'warn' ? 'error' : level, log);
}

const compile = (options) => esbuild({ target: 'es2022', tsconfig: false, ...options });

export default [
  {
    input: { ...entries(), platform: 'sdk/platform.ts', 'node/platform': 'sdk/node/platform.ts' },
    external: (id) => !/^[./]/.test(id),
    plugins: [cleanDist, inlineBinaries(), inlineRecords, compile(), dropEmptyFiles, dataFiles],
    onLog,
    treeshake: { moduleSideEffects: false },
    output: {
      dir: 'dist',
      format: 'es',
      preserveModules: true,
      preserveModulesRoot: 'sdk',
      // What the build made from assembly/ stands in dist/assembly/.
      entryFileNames: ({ name }) => `${name.replace(/^build\//, '')}.js`,
    },
  },
  {
    // For pages without a bundler, and workers, which no import map reaches: one file to name (two to train), and beside it what it loads when needed.
    input: { 'labelweave.min': 'sdk/index.ts', 'train.min': 'sdk/train/index.ts' },
    plugins: [
      webPlatform,
      ownWriters,
      nodeResolve({ browser: true }),
      inlineBinaries(),
      inlineRecords,
      compile({ minify: true }),
    ],
    onLog,
    treeshake: { moduleSideEffects: false },
    output: {
      dir: 'dist',
      format: 'es',
      manualChunks: pageChunks,
      chunkFileNames: 'labelweave.min/[name]-[hash].js',
      banner:
        '/*! labelweave, Apache-2.0. Contains valibot (MIT, Copyright (c) Fabian Hiller) and flatbuffers (Apache-2.0, Copyright Google Inc.). */',
    },
  },
];
