// The programs behind a network: made once for equal label mappings, few kept, busy ones never given up, failures not remembered.
import { afterEach, expect, test } from 'vitest';
import { openModel } from '../../sdk/graph/model.js';
import { openHead } from '../../sdk/heads/head.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Executable } from '../../sdk/runtime/runtime.js';
import { labelSpace, type LabelSpace, resolveLabels } from '../../sdk/taxonomy/index.js';
import { Tails } from '../../sdk/tails.js';
import { colourModel, picture } from './colour-model.js';

const runtime = createReferenceRuntime();
const open: Executable[] = [];
afterEach(() => open.splice(0).forEach((executable) => executable.dispose()));

/** Tails behind the colour model; `made` counts programs, `alive` those not disposed. `fail` makes the next one fail. */
async function setUp() {
  const { manifest, graph } = await openModel(colourModel());
  const head = manifest.heads[0]!;
  const model = labelSpace(head.dataset, head.labels) as LabelSpace;
  const base = await runtime.compile(graph);
  open.push(base);
  const seen = { made: 0, alive: 0, fail: false };
  const counting: Executable = {
    memory: base.memory,
    profile: [],
    run: (request, consume) => base.run(request, consume),
    dispose: () => base.dispose(),
    async extend(tail) {
      if (seen.fail) {
        seen.fail = false;
        throw new Error('no more memory');
      }
      const executable = await base.extend(tail);
      seen.made++;
      seen.alive++;
      return Object.assign(Object.create(executable) as Executable, {
        run: executable.run.bind(executable),
        dispose() {
          seen.alive--;
          executable.dispose();
        },
      });
    },
  };
  const tails = new Tails(counting, [{ head: await openHead(head, graph, model), labels: model.size }]);
  const scene = { ...picture([{ colour: 'red', x: 1, y: 1 }]), target: { left: 0, top: 0, width: 64, height: 64 } };
  const feeds = { [graph.values[graph.inputs[0]!]!.name]: scene };
  const ask = (labels: Parameters<typeof resolveLabels>[0], wanted = 100) =>
    tails.run([resolveLabels(labels as never, model)], { feeds, scoreThreshold: 0.3, wanted, signal: undefined });
  return { ask, seen };
}

test('labels given anew each time, or under other names, need no new program', async () => {
  const { ask, seen } = await setUp();
  await ask(undefined);
  for (let i = 0; i < 5; i++) await ask({ labels: { [`warm ${i}`]: ['red', 'green'] } });
  expect(seen.made).toBe(2);
  await ask({ labels: { warm: ['red', 'green'] }, combine: 'mean' });
  await ask({ labels: { warm: ['red', 'green'] } }, 1000);
  expect(seen.made).toBe(4);
});

test('few programs are kept; those in use stay', async () => {
  const { ask, seen } = await setUp();
  // 3 labels in order make few mappings; the number of candidates makes the rest.
  const busy = Array.from({ length: 3 }, (_, i) => ask(undefined, 128 * 2 ** i));
  for (const labels of [['red'], ['green'], ['blue'], ['red', 'green'], ['green', 'blue'], ['blue', 'red']]) {
    for (const wanted of [100, 200, 400, 800]) await ask(labels, wanted);
  }
  await Promise.all(busy);
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(seen.made).toBe(27);
  expect(seen.alive).toBe(16);
});

test('a program that could not be made is tried again', async () => {
  const { ask, seen } = await setUp();
  seen.fail = true;
  await expect(ask(undefined)).rejects.toThrow('no more memory');
  const [found] = await ask(undefined);
  expect([...found!.labelIndices]).toEqual([0]);
});
