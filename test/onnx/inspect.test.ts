// `labelweave inspect net.onnx`: what people see of a file without a manifest, as text and as JSON, also where it cannot be imported.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { inspectCommand } from '../../sdk/cli/inspect.js';
import { modelFile, valueInfo } from './write.js';

const folder = mkdtempSync(join(tmpdir(), 'labelweave-inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const file = (name: string, op: string): string => {
  const path = join(folder, name);
  const bytes = modelFile({
    nodes: [
      { op: 'Relu', inputs: ['image'], outputs: ['r'] },
      { op, inputs: ['r'], outputs: ['y'], name: 'last' },
    ],
    inputs: [valueInfo('image', [1, 3, 'height', 4])],
    outputs: [valueInfo('y', [1, 3, 'height', 4])],
  });
  writeFileSync(path, bytes);
  return path;
};

async function inspect(path: string, options: Record<string, unknown> = {}): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  expect(await inspectCommand(path, options)).toBe(0);
  return text;
}

it('shows inputs, outputs and operators, and asks for open sizes by name', async () => {
  const text = await inspect(file('net.onnx', 'Sigmoid'));
  expect(text).toContain('ONNX, operator set 17');
  expect(text).toContain('input      image float [1, 3, height, 4]');
  expect(text).toContain('output     y float [1, 3, height, 4]');
  expect(text).toContain('operators  Relu 1, Sigmoid 1');
  expect(text).toMatch(/problem.*"height" \(axis 2\)/);
});

it('shows the graph once sizes are given', async () => {
  const text = await inspect(file('net.onnx', 'Sigmoid'), { dim: 'height=8' });
  expect(text).toContain('graph      activation 2');
  expect(text).toContain('gives      y [1, 3, 8, 4]');
});

it('says in JSON what cannot be imported and why', async () => {
  const facts = JSON.parse(await inspect(file('loop.onnx', 'Loop'), { dim: ['height=8'], json: true })) as {
    operators: Record<string, number>;
    problem: { code: string; message: string };
  };
  expect(facts.operators).toEqual({ Relu: 1, Loop: 1 });
  expect(facts.problem.code).toBe('unsupported-operator');
  expect(facts.problem.message).toMatch(/node "last".*Loop.*control flow/);
});

it.each(['height', 'height=x', '=4'])('refuses --dim %s', async (dim) => {
  await expect(inspectCommand(file('net.onnx', 'Sigmoid'), { dim })).rejects.toThrow(/NAME=SIZE/);
});
