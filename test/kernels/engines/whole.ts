// A whole model on the engine that runs this: opened from its bytes, one frame of made-up pixels, the outputs as base64.
import { openModel } from '../../../sdk/graph/model.js';
import type { Graph } from '../../../sdk/ir/graph.js';
import { calibrationFeeds } from '../../../sdk/runtime/webgpu/calibrate.js';
import { runtimes } from './runtimes.js';

export interface WholeOutcome {
  description: string;
  notes: readonly string[];
  memory: { constants: number; arena: number; other: number };
  /** Milliseconds from nothing to the first frame, and of a second frame. */
  firstMs: number;
  frameMs: number;
  outputs: Record<string, string>;
}

/** `files` by the names that the manifest writes; `labelweave.json` among them. */
export async function runWhole(files: Record<string, Uint8Array<ArrayBuffer>>): Promise<WholeOutcome> {
  const { 'labelweave.json': manifest, ...rest } = files;
  const { graph } = await openModel({ manifest: JSON.parse(new TextDecoder().decode(manifest)) as unknown, files: rest });
  const start = performance.now();
  const runtime = await runtimes[0]!.create();
  const executable = await runtime.compile(graph);
  const feeds = calibrationFeeds(graph);
  const names = outputsOf(graph);
  const once = (): Promise<Record<string, string>> =>
    executable.run({ feeds, outputs: names }, (results) =>
      Object.fromEntries(names.map((name) => [name, base64(results[name] as Float32Array)])),
    );
  const outputs = await once();
  const firstMs = performance.now() - start;
  const again = performance.now();
  await executable.run({ feeds, outputs: [] }, () => undefined);
  const frameMs = performance.now() - again;
  const { description, notes = [] } = runtime;
  const { memory } = executable;
  runtime.dispose();
  return { description, notes, memory, firstMs, frameMs, outputs };
}

const outputsOf = (graph: Graph): string[] => graph.outputs.map((id) => graph.values[id]!.name);

function base64(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
