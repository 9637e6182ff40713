// Learning on a planted case at the scale of UniDet's run (71,000 images, 3.4 million detections, 945 labels in 3 data sets; about 10 minutes there):
// merges found, wrong merges, time, memory. Goal: AP costs, candidates and solution under 10 s and 2 GB.
//
// npm run build && node test/bench/learn.mjs [--share 0.1] [--losses 'ap code,ap paper,stand-in,distortion'] [--seed 1] [--sweep]
//
// --sweep: lambda and tau swept for each loss, with the size of the label space, merges right and wrong, and AP of each data set under it.
import { build } from 'esbuild';
import { apUnder, candidates, learnTaxonomy, solve } from '../../dist/learn/index.js';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from './table.mjs';

const { values } = parseArgs({
  options: {
    share: { type: 'string', default: '1' },
    losses: { type: 'string', default: 'ap code,ap paper,stand-in,distortion' },
    seed: { type: 'string', default: '1' },
    sweep: { type: 'boolean', default: false },
  },
});
const share = Number(values.share);
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const outfile = file('../../build/planted.mjs');
await build({
  entryPoints: [file('../learn/planted.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
});
const { plant } = await import(outfile);
const made = performance.now();
const { firings, merges } = plant({
  sizes: [365, 80, 500],
  images: [30_000, 5_000, 36_000].map((n) => Math.round(n * share)),
  objects: 8,
  clutter: 39,
  seed: Number(values.seed),
});
const count = (n) => n.toLocaleString('en');
console.log(
  `${count(firings.imageDatasets.length)} images, ${count(firings.scores.length)} scores on ${count(firings.boxes.length / 4)} boxes, ` +
    `${count(firings.truthLabels.length)} ground truths, ${firings.count} labels; made in ${((performance.now() - made) / 1000).toFixed(1)} s`,
);
const labels = firings.spaces.flatMap((space) => space.labels.map(({ id, name }) => ({ dataset: space.name, id, name })));
const keys = new Set(merges.map((members) => members.join()));
const pairKeys = new Set(merges.flatMap((m) => m.flatMap((a, i) => m.slice(i + 1).map((b) => `${a},${b}`))));
const optionsOf = (name) => {
  const [loss, form] = name.split(' ');
  return { loss, ...(form && { form }) };
};
/** Merged pairs that are right, and wrong. */
const judge = (merged) => {
  const pairs = merged.flatMap((m) => m.flatMap((a, i) => m.slice(i + 1).map((b) => `${a},${b}`)));
  const right = pairs.filter((pair) => pairKeys.has(pair)).length;
  return [right, pairs.length - right];
};

if (values.sweep) {
  const rows = [];
  const ap = (list, key) => list.map((one) => one[key].toFixed(4));
  rows.push(['heads as they are', count(firings.count), '', '', ...ap(await apUnder(firings, undefined), 'own')]);
  for (const name of values.losses.split(',')) {
    for (const tau of name === 'ap code' ? [0.05, 0.1, 0.2, 0.3] : [0.25, 0.5, 0.75]) {
      const drop = name === 'ap code' ? { pairDrop: tau } : {};
      const found = await candidates(firings, { ...optionsOf(name), tau, ...drop, maxNearMisses: 0 });
      for (const lambda of [0.05, 0.1, 0.5, 1]) {
        const { taxonomy, solution } = await learnTaxonomy(found, { lambda });
        const merged = solution.merges.map((members) => [...members].sort((x, y) => x - y));
        const under = await apUnder(firings, taxonomy.unified);
        rows.push([
          `${name}, tau ${tau}, lambda ${lambda}`,
          count(taxonomy.unified.size),
          ...judge(merged).map(count),
          ...ap(under, 'merged'),
        ]);
      }
    }
  }
  console.log(formatTable(['label space', 'size', 'right', 'wrong', ...firings.spaces.map(({ name }) => `AP ${name}`)], rows));
  process.exit();
}

for (const name of values.losses.split(',')) {
  const start = performance.now();
  let peak = 0;
  const watch = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const found = await candidates(firings, { ...optionsOf(name), onProgress: watch });
  const between = performance.now();
  const solution = await solve(found.columns, { labels, lambda: 0.5 });
  const end = performance.now();
  watch();
  const chosen = solution.merges.map((members) => [...members].sort((a, b) => a - b));
  const [right, wrong] = judge(chosen);
  console.log(
    `${name.padEnd(9)} ${found.columns.length} columns; ${chosen.filter((m) => keys.has(m.join())).length} of ${merges.length} merges whole, ` +
      `pairs: ${right} of ${pairKeys.size} right, ${wrong} wrong; ` +
      `costs and candidates ${((between - start) / 1000).toFixed(2)} s, solution ${((end - between) / 1000).toFixed(2)} s, ` +
      `peak ${(peak / 2 ** 20).toFixed(0)} MiB resident`,
  );
}
