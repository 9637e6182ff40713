// The packed and installed package does the main job for every kind of user: servers, bundlers, a script tag, a strict compiler.
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import type { Browser } from 'playwright';
import { build as vite, createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { tools } from '../setup-tools.mjs';
import { openBrowser, resultOf, run, runOk, serve } from './run.js';

const consumer = inject('consumer');

interface Found {
  label: string;
  score: number;
  box: [number, number, number, number];
}
interface Detected {
  own: Found[];
  grouped: Found[];
  device: string;
}

/** Hosts decode JPEG with different inverse transforms (a few grey levels) and have different SIMD: scores move a little, objects do not. */
const SCORE_TOLERANCE = 0.1;
const LEAST_IOU = 0.8;
/** Surely above the threshold of 0.3 on every host. */
const SURE = 0.3 + SCORE_TOLERANCE;

function iou(a: Found['box'], b: Found['box']): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = (box: Found['box']) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

/** Every sure detection of one host is found by the other: same label, nearly the same box and score. */
function expectSame(found: Found[], wanted: Found[]): void {
  for (const [these, those] of [
    [found, wanted],
    [wanted, found],
  ] as const) {
    for (const one of these.filter(({ score }) => score >= SURE)) {
      const twin = those.find(({ label, box }) => label === one.label && iou(box, one.box) >= LEAST_IOU);
      expect(twin, `${one.label} ${one.score.toFixed(2)} at ${one.box.map(Math.round).join(' ')}`).toBeDefined();
      expect(Math.abs(twin!.score - one.score)).toBeLessThanOrEqual(SCORE_TOLERANCE);
    }
  }
}

let onNode: Detected;

beforeAll(async () => {
  onNode = JSON.parse(await runOk(process.execPath, ['detect.mjs'], { cwd: consumer })) as Detected;
});

describe('servers', () => {
  it('Node finds the objects of the photo, in the labels asked for', () => {
    const labels = onNode.own.map(({ label }) => label);
    expect(labels).toContain('person');
    expect(onNode.grouped.length).toBeGreaterThan(0);
    expect(new Set(onNode.grouped.map(({ label }) => label))).toEqual(new Set(['someone']));
    expect(onNode.device).toMatch(/^wasm/);
  });

  it.each([
    ['Deno', tools.deno, ['run', '--allow-read', '--allow-env', '--allow-sys', 'detect.mjs']],
    ['Bun', tools.bun, ['detect.mjs']],
  ])('%s finds the same', async (_, program, args) => {
    const found = JSON.parse(await runOk(program, args, { cwd: consumer })) as Detected;
    expectSame(found.own, onNode.own);
    expectSame(found.grouped, onNode.grouped);
  });

  it('the installed command line prints the same detections as JSON', async () => {
    const args = ['node_modules/labelweave/dist/cli/main.js', 'detect', 'photo.jpg', '--format', 'json', '--device', 'wasm'];
    const { code, stdout } = await run(process.execPath, args, { cwd: consumer });
    expect(code).toBe(0);
    expect(stdout).toContain('"person"');
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
  });
});

describe('browsers', () => {
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serve>>;
  const folder = join(consumer, 'site');

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    cpSync(join(consumer, 'photo.jpg'), join(folder, 'photo.jpg'));
    site = await serve(folder);
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  async function expectDetects(path: string, base = site.url): Promise<void> {
    const found = await resultOf<Detected>(browser, base + path);
    expect(found.device).toMatch(/^wasm/);
    expectSame(found.own, onNode.own);
    expectSame(found.grouped, onNode.grouped);
  }

  /** Model files beside a bundle whose bundler does not carry assets along. */
  const modelBeside = (path: string) =>
    cpSync(join(consumer, 'node_modules/labelweave/dist/models/centernet-mbv3'), join(folder, path), { recursive: true });
  const page = (path: string, script: string, head = '') =>
    writeFileSync(
      join(folder, path),
      `<!doctype html><link rel="icon" href="data:,">${head}<script type="module" src="${script}"></script>`,
    );

  it('esbuild: one file; the model lies beside it', async () => {
    await esbuild({
      entryPoints: [join(consumer, 'page.mjs')],
      bundle: true,
      format: 'esm',
      minify: true,
      outfile: join(folder, 'esbuild/page.js'),
    });
    modelBeside('esbuild');
    page('esbuild/index.html', './page.js');
    await expectDetects('esbuild/index.html');
  });

  it('Vite: the model is carried along as an asset', async () => {
    page('vite.html', '/page.mjs');
    cpSync(join(folder, 'vite.html'), join(consumer, 'index.html'));
    await vite({
      root: consumer,
      base: './',
      configFile: false,
      logLevel: 'error',
      publicDir: false,
      build: { outDir: join(folder, 'vite'), emptyOutDir: true, assetsInlineLimit: 0, target: 'es2022' },
    });
    expect(readdirSync(join(folder, 'vite/assets')).some((name) => name.endsWith('.safetensors'))).toBe(true);
    await expectDetects('vite/index.html');
  });

  it('Vite’s development server, which bundles dependencies ahead', async () => {
    page('vite.html', '/page.mjs');
    cpSync(join(folder, 'vite.html'), join(consumer, 'index.html'));
    const server = await createServer({
      root: consumer,
      configFile: false,
      logLevel: 'error',
      server: { host: '127.0.0.1', port: 0, hmr: false },
    });
    try {
      await server.listen();
      await expectDetects('index.html', server.resolvedUrls!.local[0]);
    } finally {
      await server.close();
    }
  });

  it('webpack: the model is carried along as an asset', async () => {
    const config = {
      mode: 'production',
      entry: './page.mjs',
      output: { path: join(folder, 'webpack'), filename: 'page.js', publicPath: 'auto' },
      performance: false,
    };
    writeFileSync(join(consumer, 'webpack.json'), JSON.stringify(config));
    const script =
      "require(process.argv[1])(require(process.cwd() + '/webpack.json'), (e, s) => { if (e || s.hasErrors() || s.hasWarnings()) { console.error(e ?? s.toString()); process.exit(1); } })";
    await runOk(process.execPath, ['-e', script, tools.webpack], { cwd: consumer });
    page('webpack/index.html', './page.js');
    await expectDetects('webpack/index.html');
  });

  it('a script tag: the minified file by an import map, no build step', async () => {
    cpSync(join(consumer, 'node_modules/labelweave/dist'), join(folder, 'tag/dist'), { recursive: true });
    cpSync(join(consumer, 'page.mjs'), join(folder, 'tag/page.mjs'));
    const imports = {
      labelweave: './dist/labelweave.min.js',
      'labelweave/models/centernet-mbv3': './dist/models/centernet-mbv3/index.js',
    };
    page('tag/index.html', './page.mjs', `<script type="importmap">${JSON.stringify({ imports })}</script>`);
    await expectDetects('tag/index.html');
  });
});

describe('compilers, with every library file checked', () => {
  const strict = { strict: true, noEmit: true, target: 'es2022', skipLibCheck: false, exactOptionalPropertyTypes: true };
  const require = createRequire(import.meta.url);
  const compilers = {
    '5.9': require.resolve('typescript/bin/tsc'),
    '6.0': tools.typescript6,
    '7.0': tools.typescript7,
  };
  const libraries = {
    'a page': { lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'], types: [] },
    'a worker': { lib: ['es2023', 'esnext.disposable', 'webworker'], types: [] },
    'a server': { lib: ['es2023', 'esnext.disposable'], types: ['node'] },
  };
  const resolutions = [
    { module: 'esnext', moduleResolution: 'bundler' },
    { module: 'nodenext', moduleResolution: 'nodenext' },
  ];
  const rows = Object.keys(compilers).flatMap((compiler) =>
    Object.keys(libraries).map((library) => [compiler, library] as const),
  );

  beforeAll(() => {
    const types = join(consumer, 'node_modules/@types/node');
    cpSync(join(require.resolve('@types/node/package.json'), '..'), types, { recursive: true });
    cpSync(join(require.resolve('undici-types/package.json'), '..'), join(consumer, 'node_modules/undici-types'), {
      recursive: true,
    });
  });

  it.each(rows)('TypeScript %s compiles a consumer for %s', async (compiler, library) => {
    for (const [i, resolution] of resolutions.entries()) {
      const config = `tsconfig.${compiler}.${library.replace(' ', '-')}.${i}.json`;
      const compilerOptions = { ...strict, ...resolution, ...libraries[library as keyof typeof libraries] };
      writeFileSync(join(consumer, config), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
      await runOk(process.execPath, [compilers[compiler as keyof typeof compilers], '-p', config], { cwd: consumer });
    }
  });

  it('a wrong label is a compile-time error', async () => {
    const source = readFileSync(join(consumer, 'types.ts'), 'utf8').replace(/^.*@ts-expect-error.*$/gm, '');
    writeFileSync(join(consumer, 'wrong.ts'), source);
    const compilerOptions = { ...strict, ...resolutions[0], ...libraries['a page'] };
    writeFileSync(join(consumer, 'tsconfig.wrong.json'), JSON.stringify({ compilerOptions, files: ['wrong.ts'] }));
    const { code, stdout } = await run(process.execPath, [compilers['5.9'], '-p', 'tsconfig.wrong.json'], { cwd: consumer });
    expect(code).not.toBe(0);
    expect(stdout).toMatch(/wrong\.ts.*TS2367/);
  });
});
