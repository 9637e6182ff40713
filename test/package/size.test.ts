// Size ceilings of what users load, on the built package, and names that must not appear in it. The ceiling is the measured size with
// about a tenth of headroom; raising a number belongs in the commit that causes it, with the reason.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { beforeAll, describe, expect, inject, it } from 'vitest';

const consumer = inject('consumer');
const packed = inject('packed');
const installed = join(consumer, 'node_modules/labelweave');

/** kB as users see them: 1000 bytes. */
const kB = 1000;

/** A page's bundle: minified ESM, everything that the statements can reach. */
async function bundle(source: string): Promise<string> {
  const result = await build({
    stdin: { contents: source, resolveDir: consumer },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    legalComments: 'none',
  });
  expect(result.warnings).toEqual([]);
  return result.outputFiles[0]!.text;
}

const gzipped = (text: string) => gzipSync(text, { level: 9 }).length;

const detect = `import { loadDetector } from 'labelweave'; globalThis.result = loadDetector('/model/');`;

describe('a page that only detects', () => {
  let code: string;
  beforeAll(async () => {
    code = await bundle(detect);
  });

  it('is under 60 kB with gzip, WASM included', () => {
    expect(code).toContain('AGFzbQ'); // the first bytes of a WASM module in base64: the runtime is inside
    expect(gzipped(code)).toBeLessThan(60 * kB);
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
    const code = await bundle(`import { labelSpace } from 'labelweave'; globalThis.result = labelSpace('pets', ['cat', 'dog']);`);
    expect(code).not.toContain('AGFzbQ');
    expect(gzipped(code)).toBeLessThan(6 * kB);
  });

  it('the file for a script tag', () => {
    expect(gzipped(readFileSync(join(installed, 'dist/labelweave.min.js'), 'utf8'))).toBeLessThan(66 * kB);
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
