// `labelweave inspect net.onnx`: what is in a model file that has no manifest yet: inputs, outputs, operators, whether it can be imported, which head fits.
import { ArgumentError, countMacs, LabelweaveError, openModelFile, type Graph, type ModelPort } from 'labelweave';
import { proposeManifest, type ManifestProposal } from 'labelweave/convert';
import { sizeOption } from './convert.js';
import { exitCodes, textsOption } from './exit.js';

const formats = { onnx: 'ONNX', tflite: 'TFLite', tfjs: 'TF.js' };

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
  let proposal: ManifestProposal = { heads: [], manifest: undefined };
  let noProposal = '';
  try {
    proposal = await proposeManifest(file, { size: sizeOption(options['size']) });
  } catch (error) {
    if (!(error instanceof LabelweaveError)) throw error;
    noProposal = error.message;
  }
  if (options['manifest']) {
    if (!proposal.manifest) throw new ArgumentError({ thing: '--manifest', found: noProposal || `no head that fits ${file}`, wanted: 'outputs that a head can read' }); // prettier-ignore
    process.stdout.write(`${JSON.stringify(proposal.manifest, null, 2)}\n`);
    return exitCodes.ok.code;
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
    ...proposal,
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
    `format     ${formats[info.format]}${info.opset === undefined ? '' : `, operator set ${info.opset}`}${info.producer ? `, written by ${info.producer}` : ''}`,
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
    ...proposal.heads.map(({ decoder, labels, why }) => `head       ${decoder.type}, ${labels} labels: ${why}`),
    ...(proposal.heads[0]?.check ?? []).map((what) => `  check    ${what}`),
    proposal.manifest
      ? `manifest   labelweave inspect ${file} --manifest prints one to start from`
      : `head       none fits${noProposal ? `: ${noProposal}` : ''}`,
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
