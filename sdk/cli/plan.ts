// `labelweave inspect --plan`: the fused graph as a device runs it, kernel by kernel, and where each result lies in memory.
import { chooseRuntime, nodeCost, type Graph, type RuntimeKind } from 'labelweave';

/** A step of the plan, with what it costs. */
export interface PlannedStep {
  name: string;
  op: string;
  shape: readonly number[];
  kernels: readonly { name: string; workgroups?: readonly [number, number, number] }[];
  memory: { bank: number; offset: number; bytes: number };
  macs: number;
}

export interface Plan {
  device: string;
  memory: { constants: number; arena: number; other: number };
  steps: readonly PlannedStep[];
}

/** Compiles a graph on a device and says what came of it. */
export async function planOf(graph: Graph, device: RuntimeKind): Promise<Plan> {
  const { runtime, report } = await chooseRuntime(device, { threads: 1 });
  try {
    const executable = await runtime.compile(graph);
    const steps = (executable.plan ?? []).map((step, i) => ({ ...step, macs: nodeCost(graph, graph.nodes[i]!).macs }));
    return { device: report.description, memory: executable.memory, steps };
  } finally {
    runtime.dispose();
  }
}

/** A table for a terminal. */
export function formatPlan({ device, memory, steps }: Plan): string {
  const header = ['', 'op', 'kernels', 'result', 'bank', 'offset', 'bytes', 'MMAC', 'layer'];
  const rows = steps.map(({ name, op, shape, kernels, memory: at, macs }, i) => [
    String(i),
    op,
    kernels.length
      ? kernels.map(({ name: kernel, workgroups }) => kernel + (workgroups ? ` ${workgroups.join('x')}` : '')).join(', ')
      : '(no work)',
    `[${shape.join(',')}]`,
    at.offset < 0 ? '' : String(at.bank),
    at.offset < 0 ? '' : String(at.offset),
    String(at.bytes),
    macs ? (macs / 1e6).toFixed(1) : '',
    name,
  ]);
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const left = new Set([1, 2, 3, 8]);
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (left.has(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd(); // prettier-ignore
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
  const kernels = steps.reduce((sum, step) => sum + step.kernels.length, 0);
  return [
    `plan on ${device}: ${steps.length} nodes, ${kernels} kernels, ${mb(memory.constants)} weights, ${mb(memory.arena)} arena`,
    line(header),
    ...rows.map(line),
  ].join('\n');
}
