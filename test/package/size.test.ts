// Size ceilings of what users load, on the built package, and names that must not appear in it. The ceiling is the measured size with
// about a tenth of headroom; raising a number belongs in the commit that causes it, with the reason.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { beforeAll, describe, expect, inject, it } from 'vitest';

const consumer = inject('consumer');
const packed = inject('packed');
const installed = join(consumer, 'node_modules/labelweave');

/** kB as users see them: 1000 bytes. */
const kB = 1000;

/** The first bytes of a WASM module as they stand in the built files. */
const wasmStart = '0061736d01000000';

/** Modules that a page loads only when it asks for them: another runtime, another model format, kernels for another engine. */
const onDemand = /runtime\/reference\/|graph\/tfjs\/|kernels\.simd/;

/** A page's bundle, minified: what it loads at once or on the way to its first detection with the default settings on WASM, and the rest. */
async function bundle(source: string): Promise<{ loaded: string[]; rest: string[] }> {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: source, resolveDir: consumer },
    absWorkingDir: consumer,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: join(consumer, 'out'),
    write: false,
    metafile: true,
    legalComments: 'none',
    tsconfigRaw: {},
  });
  expect(warnings).toEqual([]);
  const reached = new Set<string>();
  const reach = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { path: next, kind } of metafile.outputs[path]!.imports) {
      if (kind === 'import-statement' || !onDemand.test(metafile.outputs[next]!.entryPoint ?? '')) reach(next);
    }
  };
  reach('out/stdin.js');
  const text = (wanted: boolean) =>
    outputFiles
      .filter(({ path }) => reached.has(relative(consumer, path).replaceAll('\\', '/')) === wanted)
      .map((file) => file.text);
  return { loaded: text(true), rest: text(false) };
}

const gzipped = (...texts: string[]) => texts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);

const detect = `import { loadDetector } from 'labelweave'; globalThis.result = loadDetector('/model/');`;

describe('a page that only detects', () => {
  let loaded: string[];
  let code: string;
  beforeAll(async () => {
    const parts = await bundle(detect);
    loaded = parts.loaded;
    code = [...parts.loaded, ...parts.rest].join('\n');
  });

  it('loads less than 60 kB with gzip, WASM included', () => {
    expect(loaded.join('')).toContain(wasmStart);
    expect(gzipped(...loaded)).toBeLessThan(60 * kB);
  });

  it.each([
    ['glpk', 'a GPL solver'],
    ['highs', 'a solver'],
    ['"node:', 'Node'],
    ['process.env', 'Node'],
    ['jpeg-js', 'a decoder for servers'],
    ['fast-png', 'a decoder for servers'],
    ['"sharp"', 'a decoder for servers'],
    ['"cac"', 'the command line'],
    ['GNU General Public', 'a licence that does not fit'],
    ['console.', 'printing'],
    ['aeroplane', 'a label catalogue'],
  ])('has no %s (%s)', (name) => {
    // The minifier writes every string with the quotation marks that suit it.
    const at = code.replaceAll(/['`]/g, '"').indexOf(name);
    expect(at < 0 ? '' : code.slice(at - 80, at + 80)).toBe('');
  });
});

describe('ceilings', () => {
  it('labels alone cost no runtime', async () => {
    const { loaded } = await bundle(
      `import { labelSpace } from 'labelweave'; globalThis.result = labelSpace('pets', ['cat', 'dog']);`,
    );
    expect(loaded.join('')).not.toContain(wasmStart);
    expect(gzipped(...loaded)).toBeLessThan(6 * kB);
  });

  it('the file for a script tag', () => {
    expect(gzipped(readFileSync(join(installed, 'dist/labelweave.min.js'), 'utf8'))).toBeLessThan(90 * kB);
  });

  it('the default model', () => {
    const model = packed.files.filter(({ path }) => path.startsWith('dist/models/centernet-mbv3/'));
    expect(model.map(({ path }) => path.split('/').at(-1))).toEqual(
      expect.arrayContaining(['labelweave.json', 'graph.json', 'weights.safetensors']),
    );
    expect(model.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(4_500 * kB);
  });

  it('the package on disk', () => {
    expect(packed.unpackedSize).toBeLessThan(6_000 * kB);
  });
});

describe('no file of the package', () => {
  it.each(['glpk', 'GNU GENERAL PUBLIC LICENSE', 'sourceMappingURL'])('contains %s', (name) => {
    for (const { path } of packed.files) {
      if (/\.(js|json)$/.test(path)) expect(readFileSync(join(installed, path), 'utf8').includes(name), path).toBe(false);
    }
  });

  it.each([
    ['cac', /cli\/main\.js$/],
    ['jpeg-js', /dist\/node\//],
    ['fast-png', /dist\/node\//],
    ['sharp', /dist\/node\//],
    ['node:', /dist\/(node|cli)\//],
  ])('imports %s but those of its own folder', (name, home) => {
    const importing = new RegExp(`(from|import)\\s*\\(?\\s*["']${name}`);
    const importers = packed.files.filter(
      ({ path }) => path.endsWith('.js') && importing.test(readFileSync(join(installed, path), 'utf8')),
    );
    expect(importers.filter(({ path }) => !home.test(path)).map(({ path }) => path)).toEqual([]);
  });
});
