// Size ceilings of what users load, on the built package, and names that must not appear in it. The ceiling is the measured size with
// about a tenth of headroom; raising a number belongs in the commit that causes it, with the reason.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { beforeAll, describe, expect, inject, it } from 'vitest';

const consumer = inject('consumer');
const packed = inject('packed');
const installed = join(consumer, 'node_modules/labelweave');

/** kB as users see them: 1000 bytes. */
const kB = 1000;

/**
 * Modules that a page loads only when it asks for them: another runtime, another model format, models that are not stored optimised, kernels for
 * another engine, several models or heads, labels as text, and the headers of image files, which a page that gives pixels (img, canvas, video) does not need.
 */
const onDemand =
  /runtime\/reference\/|runtime\/webgpu\/index|graph\/tfjs\/|graph\/onnx\/|graph\/tflite\/|heads\/(yolo|points|anchors|boxes)\.js|store\/sha256|\/ensemble\.js|graph\/merge-heads|graph\/outputs|taxonomy\/concatenate|graph\/optimize\/|kernels\.simd|image\/sniff/;

interface Bundle {
  /** What a page loads at once or on the way to its first detection with the default settings on WASM, gzipped bytes. */
  size: number;
  /** Modules in it, by their place in dist. */
  modules: string[];
  /** All code, loaded or not. */
  code: string;
}

/** A page's bundle as Vite makes it, minified. */
async function bundle(source: string, notLoaded = onDemand): Promise<Bundle> {
  const page = join(consumer, 'page-of-size-test.js');
  const warnings: string[] = [];
  const { output } = (await build({
    configFile: false,
    root: consumer,
    logLevel: 'silent',
    plugins: [{ name: 'page', resolveId: (id) => (id === page ? id : null), load: (id) => (id === page ? source : null) }],
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: { input: page, onwarn: ({ message }) => void warnings.push(message) },
    },
  })) as Rolldown.RolldownOutput;
  expect(warnings).toEqual([]);
  const chunks = new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file] as const] : [])));
  const reached = new Set<Rolldown.OutputChunk>();
  const reach = (name: string): void => {
    const chunk = chunks.get(name)!;
    if (reached.has(chunk)) return;
    reached.add(chunk);
    chunk.imports.forEach(reach);
    for (const next of chunk.dynamicImports) {
      const { facadeModuleId, moduleIds } = chunks.get(next)!;
      // A module that others import, too, stands last in a chunk without a facade.
      if (!notLoaded.test(facadeModuleId ?? moduleIds.at(-1)!)) reach(next);
    }
  };
  for (const chunk of chunks.values()) if (chunk.isEntry) reach(chunk.fileName);
  const loaded = [...reached];
  return {
    size: gzipped(...loaded.map((chunk) => chunk.code)),
    modules: loaded.flatMap((chunk) => chunk.moduleIds).map((id) => id.replace(/^.*\/labelweave\/dist\//, '')),
    code: [...chunks.values()].map((chunk) => chunk.code).join('\n'),
  };
}

const gzipped = (...texts: string[]) => texts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);

const detect = `import { loadDetector } from 'labelweave'; globalThis.result = loadDetector('/model/');`;

describe('a page that only detects', () => {
  let page: Bundle;
  beforeAll(async () => {
    page = await bundle(detect);
  });

  it('loads less than 75 kB with gzip, WASM included', () => {
    expect(page.modules.filter((name) => name.startsWith('assembly/')).sort()).toEqual([
      'assembly/base.wasm.z.js',
      'assembly/kernels.relaxed.wasm.z.js',
    ]);
    expect(page.size).toBeLessThan(75 * kB);
  });

  it('loads less than 78 kB where it gives image files instead of pixels', async () => {
    const { size, modules } = await bundle(detect, new RegExp(onDemand.source.replace('|image\\/sniff', '')));
    expect(modules).toContain('image/sniff.js');
    expect(size).toBeLessThan(78 * kB);
  });

  it.each([
    'graph/tfjs/',
    'graph/optimize/',
    'runtime/reference/',
    'runtime/webgpu/index',
    'kernels/',
    'image/sniff',
    'taxonomy/catalog/',
    'evaluate/',
    'datasets/',
    'learn/',
  ])('does not load %s', (folder) => expect(page.modules.filter((name) => name.startsWith(folder))).toEqual([]));

  it('needs no optimiser for the default model', () => {
    const graph = readFileSync(join(installed, 'dist/models/centernet-mbv3/graph.json'), 'utf8');
    expect((JSON.parse(graph) as { optimized?: number }).optimized).toBe(2);
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
    const code = page.code.replaceAll(/['`]/g, '"');
    const at = code.indexOf(name);
    expect(at < 0 ? '' : code.slice(at - 80, at + 80)).toBe('');
  });
});

describe('ceilings', () => {
  it('labels alone cost no runtime', async () => {
    const { size, modules } = await bundle(
      `import { labelSpace } from 'labelweave'; globalThis.result = labelSpace('pets', ['cat', 'dog']);`,
    );
    expect(modules.filter((name) => /^(assembly|runtime)\//.test(name))).toEqual([]);
    expect(size).toBeLessThan(6 * kB);
  });

  it('the files for a script tag: what every page loads, and all that a page may load', () => {
    const read = (file: string) => readFileSync(join(installed, 'dist', file), 'utf8');
    const entry = read('labelweave.min.js');
    const [first] = /\.\/(labelweave\.min\/[^"']+)/.exec(entry)!.slice(1);
    expect(gzipped(entry) + gzipped(read(first!))).toBeLessThan(48 * kB);
    const all = readdirSync(join(installed, 'dist/labelweave.min')).map((name) => gzipped(read(`labelweave.min/${name}`)));
    expect(all.reduce((sum, size) => sum + size, 0)).toBeLessThan(240 * kB);
  });

  it('training without a bundler: one file more, and no byte of it in what a page that detects loads', () => {
    const read = (file: string) => readFileSync(join(installed, 'dist', file), 'utf8');
    const train = read('train.min.js');
    expect(gzipped(train)).toBeLessThan(90 * kB);
    const [core] = /\.\/(labelweave\.min\/core-[^"']+)/.exec(read('labelweave.min.js'))!.slice(1);
    expect(train).toContain(core!);
    // Only the writer of weights says this.
    const writing = 'a name that safetensors does not reserve';
    expect(train).toContain(writing);
    expect(read(core!)).not.toContain(writing);
  });

  it('the default model', () => {
    const model = packed.files.filter(({ path }) => path.startsWith('dist/models/centernet-mbv3/'));
    expect(model.map(({ path }) => path.split('/').at(-1))).toEqual(
      expect.arrayContaining(['labelweave.json', 'graph.json', 'weights.safetensors']),
    );
    expect(model.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(4_500 * kB);
  });

  it('the package on disk', () => {
    expect(packed.unpackedSize).toBeLessThan(8_400 * kB);
  });
});

describe('no file of the package', () => {
  const holders = (text: RegExp) =>
    packed.files
      .map(({ path }) => path)
      .filter((path) => /\.(js|json)$/.test(path) && text.test(readFileSync(join(installed, path), 'utf8')));

  // `glp_` starts the name of every function of GLPK, whatever language it was compiled from.
  it.each([/glp_/, /GNU GENERAL PUBLIC LICENSE/i, /sourceMappingURL/])('contains %s', (text) =>
    expect(holders(text)).toEqual([]),
  );

  it('names the GPL solver but the adapter, the list of solvers and what says how to install it', () => {
    const named = holders(/glpk/i).filter((path) => path !== 'package.json');
    expect(named.filter((path) => !/^dist\/(learn\/solve\/(glpk|solve)|cli\/main)\.js$/.test(path))).toEqual([]);
    expect(named).toContain('dist/learn/solve/glpk.js');
  });

  it('is made by learning that a bundler would fill with another solver: they are imported by name, when asked for', async () => {
    for (const solver of ['glpk', 'highs']) {
      const code = readFileSync(join(installed, `dist/learn/solve/${solver}.js`), 'utf8');
      expect(code).not.toMatch(/^\s*import[^(]*from "(glpk|highs)/m);
      expect(code).not.toMatch(/import\(\s*["'`]/);
    }
    const { modules, code } = await bundle(`import { solve } from 'labelweave/learn'; globalThis.result = solve;`, /$^/);
    expect(modules.filter((name) => /node_modules\/(glpk|highs)/.test(name))).toEqual([]);
    expect(code).not.toContain('glp_');
  });

  it.each([
    ['cac', /cli\/main\.js$/],
    ['jpeg-js', /dist\/node\//],
    ['fast-png', /dist\/node\//],
    ['sharp', /dist\/node\//],
    ['highs', /none/],
    ['glpk.js', /none/],
    ['node:', /dist\/(node|cli)\//],
  ])('imports %s but those of its own folder', (name, home) => {
    const importing = new RegExp(`(from|import)\\s*\\(?\\s*["']${name}`);
    const importers = packed.files.filter(
      ({ path }) => path.endsWith('.js') && importing.test(readFileSync(join(installed, path), 'utf8')),
    );
    expect(importers.filter(({ path }) => !home.test(path)).map(({ path }) => path)).toEqual([]);
  });
});
