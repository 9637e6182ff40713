// `labelweave inspect`: what is in a model, for people or as JSON.
import { chooseRuntime, countMacs, openModel, type Graph } from 'labelweave';
import { exitCodes, wordOption } from './exit.js';
import { inspectFileCommand } from './inspect-file.js';
import { namedModel, standsAlone } from './models.js';
import { formatPlan, planOf } from './plan.js';

export async function inspectCommand(model: string, options: Record<string, unknown>): Promise<number> {
  if (await standsAlone(model)) return inspectFileCommand(model, options);
  const planDevice = wordOption('device', options['device'] ?? 'wasm', ['webgpu', 'wasm'] as const);
  const { manifest, graph } = await openModel(namedModel(model));
  const plan = options['plan'] ? await planOf(graph, planDevice) : undefined;
  const { runtime, report: device } = await chooseRuntime(['wasm', 'reference'], { threads: 1 });
  const { memory } = await runtime.compile(graph);
  runtime.dispose();

  const operators: Record<string, number> = {};
  for (const node of graph.nodes) operators[node.op] = (operators[node.op] ?? 0) + 1;
  const weights = weightsOf(graph);
  const facts = {
    name: manifest.name,
    description: manifest.description,
    origin: manifest.origin,
    license: manifest.license,
    input: manifest.input,
    heads: manifest.heads.map(({ dataset, labels, decoder }) => ({ dataset, labels, decoder })),
    nms: manifest.nms,
    operators,
    weights,
    macs: countMacs(graph),
    memory: { device: device.used, ...memory },
    ...(plan && { plan }),
  };
  if (options['json']) {
    process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
    return exitCodes.ok.code;
  }
  const { input } = facts;
  const lines = [
    `${facts.name}${facts.description ? `: ${facts.description}` : ''}`,
    `origin     ${facts.origin ?? 'not stated'}`,
    `licence    ${facts.license ?? 'not stated'}`,
    `input      ${input.width}x${input.height} ${input.order}, ${input.fit}, mean [${input.mean.join(', ')}], std [${input.std.join(', ')}]`,
    ...facts.heads.map(({ dataset, labels, decoder }) => `head       ${dataset}, ${labels.length} labels, ${decoder.type}`),
    `nms        ${facts.nms ? `IoU ${facts.nms.iouThreshold}, ${facts.nms.perClass ? 'class-wise' : 'class-agnostic'}` : 'none'}`,
    `weights    ${weights.elements.toLocaleString('en')} numbers, ${megabytes(weights.bytes)} (${weights.dtypes.join(', ')})`,
    `arithmetic ${(facts.macs / 1e9).toFixed(3)} GMAC an image`,
    `memory     ${facts.memory.device}: ${megabytes(memory.constants)} weights, ${megabytes(memory.arena)} arena, ${megabytes(memory.other)} other`,
    `operators  ${Object.entries(operators)
      .sort(([, a], [, b]) => b - a)
      .map(([op, count]) => `${op} ${count}`)
      .join(', ')}`,
  ];
  if (options['labels']) {
    for (const { dataset, labels } of facts.heads) {
      lines.push('', `${dataset}:`, ...labels.map(({ id, name }) => `  ${String(id).padStart(4)}  ${name}`));
    }
  }
  if (plan) lines.push('', formatPlan(plan));
  process.stdout.write(`${lines.join('\n')}\n`);
  return exitCodes.ok.code;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;

function weightsOf(graph: Graph): { elements: number; bytes: number; dtypes: string[] } {
  let elements = 0;
  let bytes = 0;
  const dtypes = new Set<string>();
  for (const { constant } of graph.values) {
    if (!constant) continue;
    elements += constant.stored.length;
    bytes += constant.stored.byteLength;
    dtypes.add(constant.dtype);
  }
  return { elements, bytes, dtypes: [...dtypes].sort() };
}
