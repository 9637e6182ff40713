// Makes the files of the default model out of the npm package @vladmandic/human. Run by the build in Node; never published.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { withDigests } from '../../graph/digests.js';
import { parseManifest, headValues } from '../../graph/manifest.js';
import { optimizeGraph } from '../../graph/optimize/index.js';
import { writePackage } from '../../graph/package.js';
import { readTfjsModel } from '../../graph/tfjs/format.js';
import { importTfjs } from '../../graph/tfjs/import.js';
import { readTfjsWeights } from '../../graph/tfjs/weights.js';
import { writeModel } from '../files.js';
import { manifest } from './manifest.js';

/** Bytes that all files together must stay under: what a page is willing to download. */
const MAX_BYTES = 4.5e6;

/**
 * Writes labelweave.json, graph.json, weights.safetensors and LICENSE into `outDir`. Each file appears whole or not at all; other files there stay.
 * The graph is the network up to the logits and the sizes, optimised as far as the weights keep the bits they were published with. That leaves
 * one multiplication of the sizes by a constant, which is no work worth folding.
 */
export async function buildCenternet(outDir: string): Promise<void> {
  // The package has no subpath for its models: from its entry, dist/human.node.js, to the folder above.
  const home = dirname(dirname(createRequire(import.meta.url).resolve('@vladmandic/human')));
  const models = join(home, 'models');
  const model = readTfjsModel(await readFile(join(models, 'centernet.json')), 'centernet.json');
  const shards = new Map<string, Uint8Array>();
  for (const path of model.weightGroups.flatMap((group) => group.paths)) shards.set(path, await readFile(join(models, path)));
  const weights = readTfjsWeights(model.weightGroups, (path) => shards.get(path));
  const outputs = headValues(parseManifest(manifest));
  const graph = optimizeGraph(importTfjs(model, weights, { outputs, file: 'centernet.json' }), { keepWeights: true });

  const files: Record<string, Uint8Array> = {
    ...(await withDigests(writePackage(manifest, graph, { optimized: true }))),
    LICENSE: await readFile(join(home, 'LICENSE')),
  };
  await writeModel(outDir, files, MAX_BYTES);
}
