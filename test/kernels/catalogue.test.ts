// The kernel catalogue agrees with the code: every operator has a row, a plain twin, a WASM kernel where data moves, and a test.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { referenceOperators } from '../../sdk/runtime/reference/evaluate.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rows = [...readFileSync(`${root}kernels/README.md`, 'utf8').matchAll(/^\| `(\w+)` +\| (.+?) +\| (.+?) +\| `(.+?)` +\|$/gm)];

it('lists every operator once', () => {
  expect(rows.map(([, name]) => name).sort()).toEqual(Object.keys(referenceOperators).sort());
});

it.each(rows.map(([, name, , kernel, test]) => ({ name: name!, kernel: kernel!, test: test! })))(
  '$name',
  ({ name, kernel, test }) => {
    expect(existsSync(`${root}sdk/runtime/reference/ops/${name}.ts`)).toBe(true);
    expect(existsSync(root + test)).toBe(true);
    const [, path] = /^`(.+)`$/.exec(kernel) ?? [];
    // Only reshape moves no data.
    if (path === undefined) expect(name).toBe('reshape');
    else expect(existsSync(root + path)).toBe(true);
  },
);
