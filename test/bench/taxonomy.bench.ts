// Speed of taxonomies: reading and checking UniDet's 701 labels (goal: under 5 ms), and projecting 300 boxes x 945 labels (goal: under 1 ms) as a
// plain loop and by score_merge on the wasm runtime. Run: npx vitest bench --run --project node test/bench/taxonomy.bench.ts
import { afterAll, bench, describe } from 'vitest';
import { createWasmRuntime } from '../../sdk/runtime/wasm/index.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { addScoreMerge } from '../../sdk/unify/merge.js';
import { readTaxonomy, writeTaxonomy } from '../../sdk/taxonomy/file/index.js';
import { hasSharedData, noSharedData } from '../shared-data.js';
import { unidetTaxonomy } from '../taxonomy/unidet.js';

const BOXES = 300;

describe.skipIf(!hasSharedData)(`701 unified labels over 945${hasSharedData ? '' : ` (${noSharedData})`}`, async () => {
  if (!hasSharedData) return;
  const taxonomy = unidetTaxonomy('learned_mAP');
  const text = writeTaxonomy(taxonomy);
  const bytes = new TextEncoder().encode(text);
  const K = taxonomy.mapping.sources;
  const scores = Float32Array.from({ length: BOXES * K }, (_, i) => ((i * 2654435761) % 4096) / 4096);
  const heads = Object.fromEntries(taxonomy.datasets.map(({ name, size }) => [name, scores.slice(0, BOXES * size)]));
  const out = new Float32Array(BOXES * taxonomy.unified.size);

  const runtime = await createWasmRuntime({ threads: 1 });
  const builder = new GraphBuilder();
  const merged = addScoreMerge(builder, builder.input('scores', 'float32', [BOXES, K]), taxonomy.mapping, {
    combine: 'mean',
    from: 'probability',
  });
  builder.output(merged);
  const graph = builder.build();
  const name = graph.values[merged]!.name;
  const executable = await runtime.compile(graph);
  afterAll(() => runtime.dispose());

  const options = { time: 400, warmupTime: 200 };
  bench('read and validate, text', () => void readTaxonomy(text), options);
  bench('read and validate, bytes', () => void readTaxonomy(bytes), options);
  bench('write', () => void writeTaxonomy(taxonomy), options);
  bench('project 300 x 945, three heads, mean', () => void taxonomy.project(heads, { out }), options);
  bench('project 300 x 945, one array, max', () => void taxonomy.project(scores, { combine: 'max', out }), options);
  bench('project 300 x 945, one array of logits, mean', () => void taxonomy.project(scores, { from: 'logit', out }), options);
  bench('project 300 x 945 on wasm with feed and read-back, mean', () => executable.run({ feeds: { scores }, outputs: [name] }, (results) => void results[name]![0]), options); // prettier-ignore
  bench('reproject 300 x 701 to 500', () => void taxonomy.reproject(out, 'oid'), options);
});
