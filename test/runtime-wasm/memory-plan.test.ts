// The memory planner: no value is overwritten while it is still needed, for any graph; sharing happens where it is allowed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph, Node, Value } from '../../sdk/ir/graph.js';
import { planMemory, type PlanOptions } from '../../sdk/runtime/memory-plan.js';

/** A node of a drawn graph: operands are picked among earlier values. */
interface DrawnNode {
  kind: 'work' | 'reshape' | 'in place';
  picks: number[];
  results: number[];
  scratch: number;
}

interface Drawn {
  inputs: number[];
  nodes: DrawnNode[];
  outputs: number[];
}

const bytes = fc.integer({ min: 0, max: 400 });
const drawn: fc.Arbitrary<Drawn> = fc.record({
  inputs: fc.array(bytes, { minLength: 1, maxLength: 3 }),
  nodes: fc.array(
    fc.record({
      kind: fc.constantFrom('work' as const, 'reshape' as const, 'in place' as const),
      picks: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      results: fc.array(bytes, { minLength: 1, maxLength: 2 }),
      scratch: fc.oneof(fc.constant(0), bytes),
    }),
    { minLength: 1, maxLength: 25 },
  ),
  outputs: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
});

/** The planner only looks at op, operands and results: the other fields are filled in so that the types hold. */
function graphOf({ inputs, nodes, outputs }: Drawn): { graph: Graph; sizes: number[]; options: PlanOptions } {
  const values: Value[] = [];
  const sizes: number[] = [];
  const value = (size: number): number => {
    values.push({ name: `v${values.length}`, dtype: 'uint8', shape: [size] });
    sizes.push(size);
    return values.length - 1;
  };
  const inputIds = inputs.map(value);
  const made = nodes.map((node): Node => {
    const operands = node.picks.map((pick) => pick % values.length);
    // Reshapes and results in place have the size of their operand.
    const results = node.kind === 'work' ? node.results.map(value) : [value(sizes[operands[0]!]!)];
    const op = node.kind === 'reshape' ? 'reshape' : 'activation';
    return {
      op,
      name: '',
      inputs: node.kind === 'reshape' ? [operands[0]!] : operands,
      outputs: results,
      attributes: {},
    } as unknown as Node;
  });
  const graph = { values, nodes: made, inputs: inputIds, outputs: [...new Set(outputs.map((pick) => pick % values.length))] };
  return {
    graph,
    sizes,
    options: {
      bytes: (id) => sizes[id]!,
      external: () => false,
      scratch: (i) => nodes[i]!.scratch,
      inPlace: (i) => (nodes[i]!.kind === 'in place' ? [0, 1] : []),
    },
  };
}

describe('planMemory', () => {
  it('never overwrites what is still needed', () => {
    fc.assert(
      fc.property(drawn, (d) => {
        const { graph, sizes, options } = graphOf(d);
        const plan = planMemory(graph, options);
        // Runs the plan with each byte holding the value that was written there last.
        const memory = new Int32Array(plan.size).fill(-1);
        const write = (id: number, token: number): void =>
          void memory.fill(token, plan.offsets[id]!, plan.offsets[id]! + sizes[id]!);
        const tokens = graph.values.map((_, id) => id);
        const intact = (id: number): boolean =>
          memory.subarray(plan.offsets[id]!, plan.offsets[id]! + sizes[id]!).every((t) => t === tokens[id]);
        for (const id of graph.inputs) write(id, tokens[id]!);
        for (const [i, node] of graph.nodes.entries()) {
          for (const id of node.inputs) expect(intact(id), `operand ${id} of node ${i}`).toBe(true);
          if (node.op === 'reshape') {
            tokens[node.outputs[0]!] = tokens[node.inputs[0]!]!;
            continue;
          }
          const at = plan.scratch[i]!;
          if (at >= 0) memory.fill(-2, at, at + options.scratch!(i));
          // Scratch is used while operands are read and results written.
          for (const id of node.inputs) expect(intact(id), `operand ${id} of node ${i} beside its scratch`).toBe(true);
          for (const id of node.outputs) write(id, tokens[id]!);
          for (const id of node.outputs) expect(intact(id), `result ${id} of node ${i} beside the others`).toBe(true);
          if (at >= 0) expect(memory.subarray(at, at + options.scratch!(i)).every((t) => t === -2)).toBe(true);
        }
        for (const id of graph.outputs) expect(intact(id), `output ${id}`).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('aligns every place and needs no more than all values side by side', () => {
    fc.assert(
      fc.property(drawn, fc.constantFrom(4, 16, 256), (d, alignment) => {
        const { graph, sizes, options } = graphOf(d);
        const plan = planMemory(graph, { ...options, alignment });
        for (const at of [...plan.offsets, ...plan.scratch]) if (at >= 0) expect(at % alignment).toBe(0);
        const round = (n: number): number => Math.ceil(n / alignment) * alignment;
        const all = [...sizes, ...d.nodes.map((node) => node.scratch)].reduce((sum, n) => sum + round(n), 0);
        expect(plan.size).toBeLessThanOrEqual(all);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps what a node reads and what it writes in different banks, and leaves what a shared bank keeps alone', () => {
    const kept = fc.array(fc.record({ offset: fc.nat(300), bytes: fc.integer({ min: 1, max: 100 }) }), { maxLength: 3 });
    const shared = fc.array(fc.record({ size: fc.integer({ min: 400, max: 1500 }), taken: kept }), { maxLength: 3 });
    fc.assert(
      fc.property(drawn, shared, fc.integer({ min: 400, max: 2000 }), (d, banks, capacity) => {
        const nodes = d.nodes.map((node) => ({ ...node, kind: node.kind === 'in place' ? ('work' as const) : node.kind }));
        const { graph, sizes, options } = graphOf({ ...d, nodes });
        const { bytes, external } = options;
        const plan = planMemory(graph, { bytes, external, alignment: 4, banks: { capacity, shared: banks } });
        for (const at of plan.offsets) if (at >= 0) expect(at % 4).toBe(0);
        const total = plan.sizes.map((size, i) => banks[i]?.size ?? size);
        const memory = total.map((size) => new Int32Array(size + 4).fill(-1));
        for (const [i, { taken }] of banks.entries()) {
          for (const { offset, bytes: n } of taken) memory[i]!.fill(-3, offset, offset + n);
        }
        const range = (id: number): Int32Array =>
          sizes[id] === 0
            ? new Int32Array()
            : memory[plan.banks[id]!]!.subarray(plan.offsets[id]!, plan.offsets[id]! + sizes[id]!);
        const tokens = graph.values.map((_, id) => id);
        const intact = (id: number): boolean => range(id).every((token) => token === tokens[id]);
        for (const id of graph.inputs) {
          expect(plan.banks[id]).toBeGreaterThanOrEqual(sizes[id] ? banks.length : 0);
          range(id).fill(tokens[id]!);
        }
        for (const node of graph.nodes) {
          for (const id of node.inputs) expect(intact(id)).toBe(true);
          if (node.op === 'reshape') {
            tokens[node.outputs[0]!] = tokens[node.inputs[0]!]!;
            continue;
          }
          for (const id of node.outputs) {
            expect(range(id).every((token) => token !== -3)).toBe(true);
            range(id).fill(tokens[id]!);
            for (const input of node.inputs) expect(plan.banks[input]).not.toBe(plan.banks[id]);
          }
        }
        for (const id of graph.outputs) expect(intact(id)).toBe(true);
        expect(plan.size).toBe(plan.sizes.reduce((sum, size) => sum + size, 0));
        for (const size of plan.sizes.slice(banks.length)) expect(size).toBeLessThanOrEqual(capacity);
      }),
      { numRuns: 300 },
    );
  });

  const chain = (kinds: DrawnNode['kind'][]): ReturnType<typeof graphOf> =>
    graphOf({
      inputs: [64],
      nodes: kinds.map((kind, i) => ({ kind, picks: [i], results: [64], scratch: 0 })),
      outputs: [kinds.length],
    });

  it('needs two places for a chain of any length', () => {
    const { graph, options } = chain(Array(9).fill('work'));
    expect(planMemory(graph, options).size).toBe(128);
  });

  it('needs one place for a chain in place, reshapes included', () => {
    const { graph, options } = chain(['in place', 'reshape', 'in place', 'in place']);
    expect(planMemory(graph, options).size).toBe(64);
  });

  it('does not write over an output, a second reader, or a value that lives elsewhere', () => {
    const twice = graphOf({
      inputs: [64],
      nodes: [
        { kind: 'in place', picks: [0], results: [], scratch: 0 },
        { kind: 'in place', picks: [0], results: [], scratch: 0 },
      ],
      outputs: [1, 2],
    });
    const plan = planMemory(twice.graph, twice.options);
    expect(plan.roots[1]).toBe(1);
    expect(plan.roots[2]).toBe(0);
    const kept = chain(['in place']);
    kept.graph.outputs.push(0);
    expect(planMemory(kept.graph, kept.options).roots[1]).toBe(1);
    const elsewhere = chain(['in place']);
    const external = planMemory(elsewhere.graph, { ...elsewhere.options, external: (id) => id === 0 });
    expect([external.roots[1], external.offsets[0], external.size]).toEqual([1, -1, 64]);
  });

  it('lets a reshape of a value elsewhere stay there', () => {
    const { graph, options } = chain(['reshape']);
    const plan = planMemory(graph, { ...options, external: (id) => id === 0 });
    expect([plan.roots[1], plan.offsets[1], plan.size]).toEqual([0, -1, 0]);
  });
});
