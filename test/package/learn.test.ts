// labelweave/learn on the installed package: Node, Deno, Bun and a worker of a page learn the same label space.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, expect, inject, it } from 'vitest';
import { tools } from '../setup-tools.mjs';
import { openBrowser, resultOf, runOk, serve } from './run.js';

const consumer = inject('consumer');

interface Learnt {
  unified: string[];
  objective: number;
  text: string;
  size: number;
  optimal: boolean;
  refused: string;
}

let onNode: Learnt;
beforeAll(async () => {
  onNode = JSON.parse(await runOk(process.execPath, ['learn-print.mjs'], { cwd: consumer })) as Learnt;
});

it('Node', () => {
  expect(onNode).toMatchObject({ size: 3, optimal: true, refused: 'LearnError invalid-columns' });
  expect(onNode.unified).toEqual(['cat {"a":0,"b":1}', 'sofa {"a":1,"b":0}', 'tree {"a":2}', 'car {"b":2}']);
  expect(onNode.text).toContain('4 unified labels of 6 (a 3, b 3), 2 merges');
});

it.each([
  ['Deno', tools.deno, ['run', '--allow-read']],
  ['Bun', tools.bun, []],
])('%s', async (_, program, args) => {
  expect(JSON.parse(await runOk(program, [...args, 'learn-print.mjs'], { cwd: consumer }))).toEqual(onNode);
});

it('a worker of a page', async () => {
  const folder = join(consumer, 'learn-page');
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(consumer, 'learn-worker.mjs')],
    bundle: true,
    format: 'esm',
    splitting: true,
    outdir: folder,
    // The two solvers that a program installs itself.
    external: ['highs', 'glpk.js'],
    logLevel: 'error',
  });
  writeFileSync(
    join(folder, 'index.html'),
    `<!doctype html><link rel="icon" href="data:,"><script type="module">
  const worker = new Worker('learn-worker.js', { type: 'module' });
  globalThis.result = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
</script>`,
  );
  const site = await serve(folder);
  const browser = await openBrowser();
  try {
    expect(await resultOf<Learnt>(browser, `${site.url}index.html`)).toEqual(onNode);
  } finally {
    await browser.close();
    site.close();
  }
});
