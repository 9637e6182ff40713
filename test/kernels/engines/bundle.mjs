// Builds one JavaScript file of all kernel tests, with a small stand-in for vitest and the golden data inside.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import nodeResolve from '@rollup/plugin-node-resolve';
import { rollup } from 'rollup';
import esbuild from 'rollup-plugin-esbuild';
import { inlineBinaries, inlineRecords } from '../../../rollup.config.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const tests = fileURLToPath(new URL('..', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** JavaScript of packages that the tests need, brought in: a page resolves no names. */
const packages = nodeResolve({ browser: true });

/** Tests that are about files, the harness or the reference, not about kernels. */
const elsewhere = ['catalogue.test.ts', 'harness.test.ts', 'reference.test.ts', 'engines.test.ts'];

const ENTRY = '\0entry';
const FILES = '\0files';

const standIns = {
  name: 'engines',
  resolveId(source, importer) {
    if (source === ENTRY || source === FILES) return source;
    // The package says that its files have no side effects; tests have nothing else.
    if (source.startsWith(tests) && source.endsWith('.test.ts')) return { id: source, moduleSideEffects: true };
    if (source === 'vitest') return `${here}vitest.ts`;
    if (source === 'node:fs' || source === 'node:url') return FILES;
    if (source === '#platform') return `${root}sdk/platform.ts`;
    if (source === './runtimes.js' && importer?.startsWith(tests) && !importer.startsWith(here)) return `${here}runtimes.ts`;
    return null;
  },
  load(id) {
    if (id === ENTRY) {
      const files = readdirSync(tests).filter((file) => file.endsWith('.test.ts') && !elsewhere.includes(file));
      return [
        ...files.map((file) => `import ${JSON.stringify(tests + file)};`),
        `export { runTests } from ${JSON.stringify(`${here}vitest.ts`)};`,
        `export { runWhole } from ${JSON.stringify(`${here}whole.ts`)};`,
      ].join('\n');
    }
    if (id !== FILES) return null;
    const golden = `${root}test/golden/ops/`;
    const contents = Object.fromEntries(readdirSync(golden).map((file) => [file, readFileSync(golden + file, 'utf8')]));
    return `const contents = ${JSON.stringify(contents)};
      export const fileURLToPath = (url) => url.href.slice(url.href.lastIndexOf('/') + 1);
      export const readFileSync = (name) => contents[name];`;
  },
};

/** Writes the bundle and gives its path. It exports `runTests(): Promise<Outcome[]>` and `runWhole(files)`, and reads `globalThis.engine`. */
export async function bundleKernelTests() {
  const folder = `${root}build/engines/`;
  mkdirSync(folder, { recursive: true });
  const bundle = await rollup({
    input: ENTRY,
    plugins: [standIns, packages, inlineBinaries(), inlineRecords, esbuild({ target: 'es2022', tsconfig: false })],
    onLog: (level, log, handle) => log.code !== 'CIRCULAR_DEPENDENCY' && handle(level, log),
  });
  const file = `${folder}kernels.mjs`;
  await bundle.write({ file, format: 'es', inlineDynamicImports: true });
  await bundle.close();
  return { folder, file, name: basename(file) };
}
