// The import rules hold: the linter refuses a planted forbidden import in every room, the table of ARCHITECTURE.md is the linter's, and
// files say in their first line what they are for.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importTable, importTableMarkdown } from '../oxlint.config.mjs';
import { run } from './package/run.js';

const root = fileURLToPath(new URL('../', import.meta.url));

describe('a planted import', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'labelweave-lint-'));
    cpSync(`${root}oxlint.config.mjs`, join(folder, 'oxlint.config.mjs'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const lint = () =>
    run(join(root, 'node_modules/.bin/oxlint'), ['-c', 'oxlint.config.mjs', '--deny-warnings', 'sdk'], { cwd: folder });
  const plant = (file: string, code: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), code);
  };

  // Each row: where, what, and why it is refused.
  it.each([
    ['sdk/heads/x.ts', `export { a } from '../image/a.js';`, 'a stage imports another stage'],
    ['sdk/heads/deep/x.ts', `export type { A } from '../../graph/a.js';`, 'only a type, from a deeper folder'],
    ['sdk/image/x.ts', `export const a = () => import('../unify/a.js');`, 'a dynamic import'],
    ['sdk/tensor/x.ts', `export { a } from '../runtime/runtime.js';`, 'a data room imports a device'],
    ['sdk/taxonomy/x.ts', `export { a } from '../store/a.js';`, 'a data room does I/O'],
    ['sdk/ir/x.ts', `export { host } from '#platform';`, 'a data room asks for the host'],
    ['sdk/graph/x.ts', `export { a } from '../detector.js';`, 'a stage imports what wires it'],
    ['sdk/detector.ts', `export { a } from './node/a.js';`, 'the core imports Node’s folder'],
    ['sdk/store/x.ts', `export { readFileSync } from 'node:fs';`, 'a Node module outside node/'],
    ['sdk/image/y.ts', `export { readFile } from 'node:fs/promises';`, 'a Node submodule outside node/'],
    ['sdk/index.ts', `export { cac } from 'cac';`, 'the command line’s package in the core'],
    ['sdk/image/z.ts', `export { decode } from 'jpeg-js';`, 'a server’s decoder in the core'],
    ['sdk/heads/y.ts', `export { a } from 'some-new-package';`, 'a package that nobody listed'],
    ['sdk/cli/x.ts', `export { a } from '../detector.js';`, 'the command line goes around the public surface'],
    ['sdk/runtime/wasm/x.ts', `export { default } from '../../../kernels/a.wgsl';`, 'WGSL outside runtime/webgpu'],
    ['sdk/runtime/webgpu/x.ts', `export { default } from '../../../build/a.wasm';`, 'WASM outside runtime/wasm'],
    ['sdk/runtime/webgpu/y.ts', `export { default } from '../../../build/a.wasm.z';`, 'compressed WASM outside runtime/wasm'],
  ])('%s: %s is refused (%s)', async (file, code) => {
    plant(file, code);
    const { code: exit, stdout } = await lint();
    expect(stdout).toContain('no-restricted-imports');
    expect(exit).toBe(1);
  });

  it('a cycle is refused', async () => {
    plant('sdk/tensor/a.ts', `import { b } from './b.js';\nexport const a = () => b;`);
    plant('sdk/tensor/b.ts', `import { a } from './a.js';\nexport const b = () => a;`);
    const { code, stdout } = await lint();
    expect(stdout).toContain('no-cycle');
    expect(code).toBe(1);
  });

  it('printing from the core is refused', async () => {
    plant('sdk/image/x.ts', `console.log(1);\nexport {};`);
    expect((await lint()).stdout).toContain('no-console');
  });

  it('the same tree without them is accepted', async () => {
    plant(
      'sdk/heads/x.ts',
      `export { a } from '../tensor/a.js';\nexport { b } from './b.js';\nexport { c } from '../runtime/c.js';`,
    );
    plant('sdk/node/x.ts', `export { readFile } from 'node:fs/promises';\nexport { decode } from 'jpeg-js';`);
    plant('sdk/graph/x.ts', `export { object } from 'valibot';\nexport { readFile } from '#platform';`);
    plant('sdk/runtime/wasm/x.ts', `export { default } from '../../../build/a.wasm';`);
    plant('sdk/runtime/wasm/y.ts', `export { default } from '../../../build/a.wasm.z';`);
    plant('sdk/cli/x.ts', `export { loadDetector } from 'labelweave';\nexport { writePng } from 'labelweave/node';`);
    expect(await lint()).toMatchObject({ code: 0 });
  });
});

it('every room of sdk/ has a row in the table', () => {
  const rooms = readdirSync(`${root}sdk`).filter((name) => !name.endsWith('.d.ts'));
  const rows = Object.keys(importTable);
  expect(rooms.map((name) => name.replace(/\.ts$/, '')).filter((room) => !rows.includes(room))).toEqual([]);
});

it('ARCHITECTURE.md shows the linter’s table (print it: node -e "import(\'./oxlint.config.mjs\').then((m) => console.log(m.importTableMarkdown()))")', () => {
  /** Cells without the padding that the formatter adds. */
  const rows = (markdown: string) => {
    const start = markdown.search(/^\| *room *\| *may import *\|/m);
    expect(start, 'a table `| room | may import |`').toBeGreaterThanOrEqual(0);
    const table = markdown
      .slice(start)
      .split(/\n(?!\|)/)[0]!
      .trim()
      .split('\n');
    return table.map((line) => line.replace(/ *\| */g, '|').replace(/-+/g, '-'));
  };
  expect(rows(readFileSync(`${root}ARCHITECTURE.md`, 'utf8'))).toEqual(rows(importTableMarkdown()));
});

describe('the first line of a file says what it is for', () => {
  const sources = ['sdk', 'test', 'assembly'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|mjs|js)$/.test(file) && !file.includes('node_modules'))
      .map((file) => `${folder}/${file}`),
  );

  it(`${sources.length} files`, () => {
    const silent = sources.filter(
      (file) => !/^(\/\/ |\/\*\*? ?)\S+ \S+/.test(readFileSync(root + file, 'utf8').split('\n', 1)[0]!),
    );
    expect(silent).toEqual([]);
  });
});
