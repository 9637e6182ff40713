// `labelweave inspect net.onnx`: what is in a model file that has no manifest yet: inputs, outputs, operators, and whether it can be imported.
import { ArgumentError, countMacs, LabelweaveError, openModelFile, type Graph, type ModelPort } from 'labelweave';
import { exitCodes, textsOption } from './exit.js';

export async function inspectFileCommand(file: string, options: Record<string, unknown>): Promise<number> {
  const dimensions = parseDimensions(textsOption('dim', options['dim'], 'NAME=SIZE'));
  const { info, graph: open } = await openModelFile(file, { dimensions });
  let graph: Graph | undefined;
  let problem: LabelweaveError | undefined;
  try {
    graph = await open();
  } catch (error) {
    // What cannot be imported can still be looked at.
    if (!(error instanceof LabelweaveError)) throw error;
    problem = error;
  }
  const operators: Record<string, number> = {};
  for (const { op } of graph?.nodes ?? []) operators[op] = (operators[op] ?? 0) + 1;
  const facts = {
    ...info,
    graph: graph && {
      inputs: graph.inputs.map((id) => ({ name: graph.values[id]!.name, shape: graph.values[id]!.shape })),
      outputs: graph.outputs.map((id) => ({ name: graph.values[id]!.name, shape: graph.values[id]!.shape })),
      operators,
      macs: countMacs(graph),
    },
    problem: problem && { code: problem.code, message: problem.message },
  };
  if (options['json']) {
    process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
    return exitCodes.ok.code;
  }
  const counts = (all: Readonly<Record<string, number>>): string =>
    Object.entries(all)
      .sort(([, a], [, b]) => b - a)
      .map(([op, count]) => `${op} ${count}`)
      .join(', ');
  const lines = [
    `format     ONNX, operator set ${info.opset}${info.producer ? `, written by ${info.producer}` : ''}`,
    ...info.inputs.map((port) => `input      ${portText(port)}`),
    ...info.outputs.map((port) => `output     ${portText(port)}`),
    `operators  ${counts(info.operators)}`,
    ...(facts.graph
      ? [
          `graph      ${counts(operators)}`,
          ...facts.graph.outputs.map(({ name, shape }) => `gives      ${name} [${shape.join(', ')}]`),
          `arithmetic ${(facts.graph.macs / 1e9).toFixed(3)} GMAC a run`,
        ]
      : [`problem    ${problem!.message}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return exitCodes.ok.code;
}

function portText({ name, type, shape }: ModelPort): string {
  return `${name} ${type} ${shape ? `[${shape.map((d) => d ?? '?').join(', ')}]` : 'of any shape'}`;
}

/** `--dim height=320 --dim batch=1` */
function parseDimensions(list: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    list.map((text) => {
      const [, name, size] = /^(.+)=(\d+)$/.exec(text) ?? [];
      if (name === undefined)
        throw new ArgumentError({ thing: '--dim', found: JSON.stringify(text), wanted: 'NAME=SIZE, such as height=320' });
      return [name, Number(size)];
    }),
  );
}
