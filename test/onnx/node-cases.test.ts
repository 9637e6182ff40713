// The ONNX project's own operator cases (Debian's libonnx-testdata) on every runtime: what can be imported gives the wanted numbers, what cannot is
// refused by name, and both stand in the table of sdk/graph/onnx/README.md. UPDATE_DOCS=1 writes the table.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelError } from '../../sdk/errors.js';
import { OPSETS } from '../../sdk/graph/onnx/import.js';
import { readOnnxModel } from '../../sdk/graph/onnx/model.js';
import { converters, refused } from '../../sdk/graph/onnx/operators/index.js';
import { optimizeGraph } from '../../sdk/graph/optimize/index.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import type { TensorData } from '../../sdk/tensor/dtype.js';
import { expectClose, type Tolerance } from '../kernels/harness.js';
import { runtimes } from '../kernels/runtimes.js';
import {
  caseData,
  ElementType,
  onnxCases,
  operatorOf,
  prepareCase,
  readBytes,
  requireCases,
  roundedTypes,
  wantedOutputs,
  type OnnxCase,
} from './cases.js';

/** Sums and functions in float32; wanted numbers were computed by NumPy, some in double. The project itself allows a relative 1e-3. */
const FLOAT32: Tolerance = { absolute: 2e-6, relative: 1e-5 };
/** Wanted numbers are halves (11 bits of mantissa), computed in halves; ours are float32. */
const FLOAT16: Tolerance = { absolute: 2e-6, relative: 2e-3 };
/** 8 bits of mantissa, cut off. */
const BFLOAT16: Tolerance = { absolute: 2e-6, relative: 1e-2 };
/** Windows near zero are differences of cosines near one: the graph computes in float32 what NumPy computed in double. */
const WINDOWS: Tolerance = { absolute: 2e-6, relative: 1e-3 };

const tolerance = (name: string, type: number): Tolerance => {
  if (roundedTypes.has(type)) return type === ElementType.float16 ? FLOAT16 : BFLOAT16;
  return /window/.test(name) ? WINDOWS : FLOAT32;
};

/** WebGPU compiles pipelines for every case, which takes long on software adapters: the first case of each operator runs there. */
const isSlow = (name: string): boolean => name.startsWith('webgpu');
const tested = runtimes.filter(({ name }) => name === 'reference' || name === 'wasm, 1 thread, tile 4x8' || isSlow(name));

interface Prepared {
  operator: string;
  sets: { graph: Graph; feeds: Record<string, TensorData>; wanted: ReturnType<typeof wantedOutputs> }[];
}

function prepare(one: OnnxCase): Prepared {
  const model = readOnnxModel(readBytes(join(one.folder, 'model.onnx')));
  const sets = caseData(one).map((data) => {
    const { graph, feeds } = prepareCase(model, data);
    validateGraph(graph);
    return { graph, feeds, wanted: wantedOutputs(model, data) };
  });
  return { operator: operatorOf(model), sets };
}

interface Outcome {
  one: OnnxCase;
  operator: string;
  prepared?: Prepared;
  error?: unknown;
}

const outcomes: Outcome[] = onnxCases().map((one) => {
  let operator = '';
  try {
    operator = operatorOf(readOnnxModel(readBytes(join(one.folder, 'model.onnx'))));
    return { one, operator, prepared: prepare(one) };
  } catch (error) {
    return { one, operator, error };
  }
});
const imported = outcomes.filter((outcome) => outcome.prepared);
const failed = outcomes.filter((outcome) => !outcome.prepared);

it('finds the cases', () => {
  requireCases();
  expect(outcomes.length).toBeGreaterThan(1000);
});

it('refuses what it cannot import by name, and nothing else', () => {
  for (const { one, error } of failed) {
    expect(error, one.name).toBeInstanceOf(ModelError);
    expect((error as ModelError).code, `${one.name}: ${(error as ModelError).message}`).toBe('unsupported-operator');
    expect((error as ModelError).thing, one.name).toMatch(/^(node|input|file|tensor) "/);
  }
});

describe.each(tested)('on $name', ({ name, create }) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await create();
  });
  afterAll(() => runtime?.dispose());
  const seen = new Set<string>();
  const rows = imported.filter(({ operator }) => !isSlow(name) || (!seen.has(operator) && seen.add(operator)));

  it.each(rows.map(({ one, prepared }) => [one.name, prepared!] as const))('%s', async (title, { operator, sets }) => {
    for (const { graph, feeds, wanted } of sets) {
      // As it was imported, and as users run it.
      for (const one of isSlow(name) ? [graph] : [graph, optimizeGraph(graph)]) {
        const executable = await runtime.compile(one);
        const outputs = one.outputs.map((id) => one.values[id]!.name);
        await executable.run({ feeds, outputs }, (results) => {
          wanted.forEach(({ shape, values, type }, i) => {
            const found = results[outputs[i]!]!;
            if (operator === 'NonMaxSuppression') {
              // The result has room for every box; rows behind those that were selected are -1.
              expect([...found.subarray(values.length)].every((v) => v === -1)).toBe(true);
              expectClose(found.subarray(0, values.length), values, tolerance(title, type));
              return;
            }
            expect(one.values[one.outputs[i]!]!.shape).toEqual(shape);
            expectClose(found, values, tolerance(title, type));
          });
        });
        executable.dispose();
      }
    }
  });
});

const readme = fileURLToPath(new URL('../../sdk/graph/onnx/README.md', import.meta.url));
const marks = ['<!-- table of operators: written by test/onnx/node-cases.test.ts -->', '<!-- end of the table -->'] as const;

/** Why a case is not run, without the names in it. */
function reasonOf({ operator, error }: Outcome): string {
  const { thing, found } = error as ModelError;
  const reason = refused.get(operator);
  if (reason) return reason;
  if (/volumes/.test((error as ModelError).wanted)) return 'volumes';
  const inner = /^the operator (\w+)( of the domain .*)?$/.exec(found);
  if (inner) return refused.get(inner[1]!) ?? (inner[2] ? 'another domain' : 'no converter');
  return thing.startsWith('file') ? found : found.replace(/ \(".*"\)$/, '');
}

function table(): string {
  const operators = [...new Set([...Object.keys(converters), ...outcomes.map(({ operator }) => operator)])]
    .filter((operator) => Object.hasOwn(converters, operator))
    .sort();
  const rows = operators.map((operator) => {
    const mine = outcomes.filter((outcome) => outcome.operator === operator);
    const passed = mine.filter(({ prepared }) => prepared).length;
    const reasons = new Map<string, number>();
    for (const outcome of mine.filter(({ prepared }) => !prepared))
      reasons.set(reasonOf(outcome), (reasons.get(reasonOf(outcome)) ?? 0) + 1);
    return `| \`${operator}\` | ${passed} | ${[...reasons].map(([reason, count]) => `${count}: ${reason}`).join('; ')} |`;
  });
  const several = outcomes.filter(({ operator }) => operator === '(several)');
  const others = new Map<string, Set<string>>();
  for (const outcome of failed) {
    if (Object.hasOwn(converters, outcome.operator)) continue;
    const reason = reasonOf(outcome);
    const names = others.get(reason) ?? new Set();
    names.add(outcome.operator === '(several)' ? outcome.one.name.replace(/^\w+\/test_/, '') : outcome.operator);
    others.set(reason, names);
  }
  return [
    '',
    `${imported.length} of ${outcomes.length} cases pass; operator sets ${OPSETS.least} to ${OPSETS.most}.`,
    '',
    '| operator | cases that pass | cases that are refused, and why |',
    '| --- | --- | --- |',
    ...rows,
    `| graphs of several operators | ${several.filter(({ prepared }) => prepared).length} | see below |`,
    '',
    'Not imported:',
    '',
    ...[...others]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([reason, names]) => `- ${reason}: ${[...names].sort().join(', ')}`),
    '',
  ].join('\n');
}

it('the table of the README is up to date (UPDATE_DOCS=1 writes it)', () => {
  const text = readFileSync(readme, 'utf8');
  const [begin, end] = [text.indexOf(marks[0]) + marks[0].length, text.indexOf(marks[1])];
  expect(begin).toBeGreaterThan(0);
  const wanted = table();
  if (process.env['UPDATE_DOCS']) writeFileSync(readme, text.slice(0, begin) + wanted + text.slice(end));
  // Prettier aligns the columns; words are what counts.
  const words = (s: string): string => s.replace(/ *\| */g, '|').replace(/-{3,}/g, '---');
  expect(words(readFileSync(readme, 'utf8').slice(begin, readFileSync(readme, 'utf8').indexOf(marks[1]))).trim()).toBe(
    words(wanted).trim(),
  );
});
