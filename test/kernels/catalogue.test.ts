// The kernel catalogue agrees with the code: every operator has a row, a plain twin, a WASM kernel where data moves, WGSL kernels and a test; every
// WGSL file has a row that says what reflection finds in it, a header, and stays within WebGPU's default limits.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ResourceType, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { referenceKernels } from '../../sdk/train/index.js';
import { referenceOperators } from '../../sdk/runtime/reference/evaluate.js';
import { compiledText, kernels, type Scalar } from '../../sdk/runtime/webgpu/kernels.js';
import { trainKernels } from '../../sdk/runtime/webgpu/train-kernels.js';
import { loweredOperators } from '../../sdk/runtime/webgpu/lower/index.js';

/** WebGPU's default limits. */
const MOST_INVOCATIONS = 256;
const MOST_WORKGROUP_BYTES = 16_384;
const MOST_STORAGE_BUFFERS = 8;

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}kernels/README.md`, 'utf8');
const cells = (line: string): string[] =>
  line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
/** Rows of the tables: names stand in backticks, those of WGSL kernels are links. */
const operators = [...readme.matchAll(/^\| `.*\|$/gm)].map(([line]) => {
  const [name, , wasm, wgsl, test] = cells(line) as [string, string, string, string, string];
  return { name: plain(name), wasm, wgsl: [...wgsl.matchAll(/`(\w+)`/g)].map(([, kernel]) => kernel!), test: plain(test) };
});
const rows = [...readme.matchAll(/^\| \[`(\w+)`\]\((.+?)\)(.*\|)$/gm)].map(([, name, path, rest]) => {
  const [, job, bindings, overrides, workgroup, dispatch] = cells(`|${rest}`) as [string, string, string, string, string, string];
  return { name: name!, path: path!, job, bindings, overrides, workgroup, dispatch };
});

function plain(cell: string): string {
  return cell.replace(/`/g, '');
}

/** The text of a kernel, by its row's path: training kernels have a table of their own. */
function sourceOf(path: string): string {
  const [folder, name] = path.slice(0, -'.wgsl'.length).split('/') as [string, string];
  const table: Readonly<Record<string, string>> = folder === 'train' ? trainKernels : kernels;
  return table[name]!;
}

/** What reflection finds. The reflector takes `block` for a keyword, which it is not in WGSL. */
function reflect(path: string, scalar: Scalar): WgslReflect {
  return new WgslReflect(compiledText(sourceOf(path), scalar).replace(/\bblock\b/g, 'block_'));
}

/** Bytes of a type as WGSL writes it; identifiers are constants and overrides of the kernel, at their defaults. */
function bytesOf(type: string, text: string): number {
  const array = /^array<(.*),([^,<>]+)>$/.exec(type);
  if (array) return bytesOf(array[1]!, text) * evaluate(array[2]!, text);
  const vector = /^vec([234])<(.*)>$/.exec(type);
  if (vector) return (vector[1] === '3' ? 4 : Number(vector[1])) * bytesOf(vector[2]!, text);
  if (/^(?:atomic<.*>|u32|i32|f32|scalar)$/.test(type)) return 4;
  const members = new RegExp(`struct ${type}\\{(.*?)\\}`).exec(text)?.[1];
  if (members === undefined) throw new Error(`no size for the type ${type}`);
  return members
    .split(/,(?![^<]*>)/)
    .filter(Boolean)
    .reduce((sum, member) => sum + bytesOf(member.split(':')[1]!, text), 0);
}

/** A product of numbers, constants and overrides. */
function evaluate(expression: string, text: string): number {
  return expression.split('*').reduce((product, factor) => {
    const name = factor.trim();
    if (/^\d+u?$/.test(name)) return product * parseInt(name, 10);
    const value = new RegExp(`(?:const|override) ${name}(?::\\w+)? ?= ?(\\d+)u?;`).exec(text)?.[1];
    if (value === undefined) throw new Error(`no value for ${name}`);
    return product * Number(value);
  }, 1);
}

it('lists every operator once, and every one has a kernel on every runtime', () => {
  const names = Object.keys(referenceOperators).sort();
  expect(operators.map(({ name }) => name).sort()).toEqual(names);
  expect([...loweredOperators].sort()).toEqual(names);
});

it('lists every WGSL kernel once, and every one serves an operator', () => {
  const files = ['ops', 'detect'].flatMap((folder) =>
    readdirSync(`${root}kernels/${folder}`).map((file) => file.slice(0, -'.wgsl'.length)),
  );
  const names = Object.keys(kernels).sort();
  expect(files.sort()).toEqual(names);
  expect(rows.flatMap(({ name, path }) => (path.startsWith('train/') ? [] : name)).sort()).toEqual(names);
  expect([...new Set(operators.flatMap(({ wgsl }) => wgsl))].sort()).toEqual(names);
});

it('lists every training kernel once, and every one of the closed list has one', () => {
  const files = readdirSync(`${root}kernels/train`).map((file) => file.slice(0, -'.wgsl'.length));
  expect(files.sort()).toEqual(Object.keys(trainKernels).sort());
  expect(rows.flatMap(({ name, path }) => (path === `train/${name}.wgsl` ? name : [])).sort()).toEqual(files);
  expect(files).toEqual(expect.arrayContaining(Object.keys(referenceKernels)));
});

it.each(operators)('operator $name', ({ name, wasm, wgsl, test }) => {
  expect(existsSync(`${root}sdk/runtime/reference/ops/${name}.ts`)).toBe(true);
  expect(existsSync(root + test)).toBe(true);
  const [, path] = /^`(.+)`$/.exec(wasm) ?? [];
  // Only reshape moves no data.
  if (path === undefined) expect(name).toBe('reshape');
  else expect(existsSync(root + path)).toBe(true);
  expect(wgsl.length > 0).toBe(name !== 'reshape');
});

describe.each(rows)('kernel $path', ({ path, job, bindings, overrides, workgroup, dispatch }) => {
  const text = compiledText(sourceOf(path), 'f32');

  it('has a header with job, tensors, overrides and dispatch, and a row that says so', () => {
    const source = readFileSync(`${root}kernels/${path}`, 'utf8');
    const header = /^(?:\/\/.*\n){3,}/.exec(source)?.[0] ?? '';
    expect(header).toMatch(/Overrides: /);
    expect(header).toMatch(/Dispatch: /);
    expect(job.length).toBeGreaterThan(10);
    expect(dispatch.length).toBeGreaterThan(3);
  });

  it.each(['f32', 'f16'] as const)('agrees with its row, in %s', (scalar) => {
    const found = reflect(path, scalar);
    const [group, ...others] = found.getBindGroups();
    expect(others).toEqual([]);
    const written = (binding: { resourceType: ResourceType; access: string }): boolean =>
      binding.resourceType === ResourceType.Storage && binding.access !== 'read';
    expect(group!.map((binding) => binding.name + (written(binding) ? '!' : '')).join(' ')).toBe(bindings);
    expect(found.overrides.map((override) => override.name).join(' ') || 'none').toBe(overrides);
    expect(found.entry.compute.map((entry) => entry.name)).toEqual(['main']);
    const attributes = found.entry.compute[0]!.attributes ?? [];
    const size = attributes.find((attribute) => attribute.name === 'workgroup_size')?.value;
    expect([size].flat().join(' x ')).toBe(workgroup);
  });

  it("stays within WebGPU's default limits", () => {
    const [group] = reflect(path, 'f32').getBindGroups();
    expect(group!.filter(({ resourceType }) => resourceType === ResourceType.Storage).length).toBeLessThanOrEqual(
      MOST_STORAGE_BUFFERS,
    );
    // Sizes that are overrides count with their defaults; lowerings keep to the device's limits with others.
    const invocations = workgroup.split(' x ').reduce((product, factor) => product * evaluate(factor, text), 1);
    expect(invocations).toBeLessThanOrEqual(MOST_INVOCATIONS);
    const variables = [...text.matchAll(/var<workgroup> ?\w+:(.*?);/g)].map(([, type]) => type!.replace(/ /g, ''));
    expect(variables.reduce((sum, type) => sum + bytesOf(type, text), 0)).toBeLessThanOrEqual(MOST_WORKGROUP_BYTES);
  });
});
