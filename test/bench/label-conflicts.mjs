// UniSeg's conflict on generated street scenes: one data set has `rider`, the other `motorcyclist` and `bicyclist`, and so on; cross-entropy, Null BCE and
// class-relational BCE on an unseen third set, which relations are found, and what that depends on.
//
// npm run build:wasm && node test/bench/label-conflicts.mjs [--seeds 8] [--conditions usual,NAME,...|all] [--threads 2] [--json FILE]
//
// Each seed is a world of its own: how things look, the three domains, their scenes, the first weights. All losses of a seed see the same batches for the
// same number of steps at the same rate. Differences are taken seed by seed.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { bundleSources } from './bundle.mjs';
import { formatTable } from './table.mjs';

/** What is changed of the usual setting. `more`: also other ways to relations. */
const conditions = {
  usual: { more: true },
  'no conflict': { differing: [] },
  'rider only': { differing: ['rider'] },
  'no domain shift': { shift: 0 },
  'half the shift': { shift: 0.3 },
  'twice the shift': { shift: 1.2 },
  'more noise': { noise: 0.35 },
  '10 % wrong labels': { labelNoise: 0.1, more: true },
  'first set of 10 scenes': { scenes: [10, 40] },
  'three training sets': { scenes: [40, 40, 40], more: true },
  'larger network': { hidden: 96, features: 48 },
  'rate / 3': { rate: 0.033 },
  'three times the steps': { steps: 1200 },
  'gradients not clipped': { clip: 0 },
};

/** Trials in a thread, one message each. */
async function work() {
  const { file, jobs } = workerData;
  const bench = await import(file);
  const kernels = await bench.wasmTrainKernels();
  for (const { condition, seed } of jobs)
    parentPort.postMessage({ condition, seed, ...oneTrial(bench, condition, seed, kernels) });
}

function oneTrial(bench, condition, seed, kernels) {
  const { more, ...changed } = conditions[condition];
  const setting = { ...bench.usual, ...changed };
  const trial = bench.makeTrial(seed, setting);
  const begin = performance.now();
  const train = (losses) => bench.run(trial, losses, setting, seed, kernels);
  const { crossEntropy, nullBce } = bench.plainLosses(trial);
  const networks = { 'cross-entropy': train(crossEntropy), 'Null BCE': train(nullBce) };
  const similarities = bench.measure(networks['Null BCE'], trial);
  const threshold = bench.relationThreshold(similarities);
  // Without a conflict class-relational BCE is Null BCE (N/A in the paper's Table 1).
  networks['class-relational BCE'] =
    threshold === undefined ? networks['Null BCE'] : train(bench.relational(trial, similarities, threshold));
  const relations = { 'Null BCE, cosines, automatic threshold': bench.relationsFound(trial, setting, similarities) };
  if (more) {
    networks['C-R BCE, no threshold'] = train(bench.relational(trial, similarities, -1));
    const planted = (own, others) => bench.relational(trial, bench.plantedSimilarities(trial, setting, own), 0, others);
    networks['C-R BCE, planted relations'] = train(planted(false));
    networks['the same, other labels negatives'] = train(planted(false, 'negative'));
    networks['C-R BCE, planted, own labels too'] = train(planted(true));
    const found = (source, of, tau) => bench.relationsFound(trial, setting, bench.measure(networks[source], trial, of), tau);
    relations['the same, no threshold'] = found('Null BCE', 'cosine', -1);
    relations['Null BCE, sigmoids, automatic threshold'] = found('Null BCE', 'sigmoid');
    relations['the same, no threshold '] = found('Null BCE', 'sigmoid', -1);
    relations['cross-entropy, cosines, no threshold'] = found('cross-entropy', 'cosine', -1);
  }
  const scores = Object.fromEntries(Object.entries(networks).map(([name, network]) => [name, bench.judge(network, trial)]));
  return { scores, relations, seconds: (performance.now() - begin) / 1000 };
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '8' },
      conditions: { type: 'string', default: 'usual,no conflict,rider only' },
      threads: { type: 'string', default: '2' },
      json: { type: 'string' },
    },
  });
  const chosen = values.conditions === 'all' ? Object.keys(conditions) : values.conditions.split(',');
  const unknown = chosen.find((name) => !(name in conditions));
  if (unknown) throw new Error(`--conditions: found ${unknown}; wanted some of ${Object.keys(conditions).join(', ')}.`);
  const file = await bundleSources({
    name: 'label-conflicts',
    contents: `
      export * from './test/train/label-conflicts.ts';
      export { relationThreshold, wasmTrainKernels } from './sdk/train/index.ts';`,
  });
  const jobs = chosen.flatMap((condition) =>
    Array.from({ length: Number(values.seeds) }, (_, i) => ({ condition, seed: i + 1 })),
  );
  const trials = await inThreads(Number(values.threads), file, jobs);
  if (values.json) await writeFile(values.json, `${JSON.stringify(trials, null, 2)}\n`);
  for (const name of chosen.filter((one) => conditions[one].more)) report(name, trials.filter(({ condition }) => condition === name)); // prettier-ignore
  compare(chosen, trials);
}

function inThreads(threads, file, jobs) {
  const trials = [];
  return Promise.all(
    Array.from(
      { length: threads },
      (_, t) =>
        new Promise((resolve, reject) => {
          const mine = jobs.filter((_, i) => i % threads === t);
          const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { file, jobs: mine } });
          worker.on('message', (trial) => {
            trials.push(trial);
            process.stderr.write(`\r${trials.length} of ${jobs.length} trials `);
          });
          worker.on('error', reject);
          worker.on('exit', resolve);
        }),
    ),
  ).then(() => (process.stderr.write('\n'), trials.sort((a, b) => a.seed - b.seed)));
}

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const deviation = (list) => Math.sqrt(mean(list.map((value) => (value - mean(list)) ** 2)) * (list.length / (list.length - 1)));
const points = (list) => `${(100 * mean(list)).toFixed(1)} ± ${(100 * deviation(list)).toFixed(1)}`;
/** Mean difference with its standard error, and how many seeds are above 0. */
const gain = (list) => `${signed(100 * mean(list))} ± ${((100 * deviation(list)) / Math.sqrt(list.length)).toFixed(1)} (${list.filter((one) => one > 0).length}/${list.length})`; // prettier-ignore
const signed = (value) => `${value < 0 ? '' : '+'}${value.toFixed(1)}`;

function report(name, trials) {
  const seconds = mean(trials.map((trial) => trial.seconds));
  console.log(`\n### ${name}: ${trials.length} seeds, mIoU ± standard deviation over seeds, ${seconds.toFixed(0)} s a seed\n`);
  const labels = Object.keys(trials[0].scores['Null BCE'].labels);
  const rows = Object.keys(trials[0].scores).map((method) => {
    const of = (pick) => points(trials.map(({ scores }) => pick(scores[method])));
    return [
      method,
      of(({ seen }) => seen[0]),
      of(({ seen }) => seen[1]),
      ...[0, 1, 2].map((i) => of(({ unseen }) => unseen[i])),
      ...labels.map((label) => (100 * mean(trials.map(({ scores }) => scores[method].labels[label]))).toFixed(0)),
    ];
  });
  console.log(
    formatTable(
      ['loss', 'seen, first', 'seen, second', 'unseen, first labels', 'unseen, second labels', 'unseen, finest', ...labels],
      rows,
    ),
  );
  const sum = (list, pick) => list.reduce((total, one) => total + pick(one), 0);
  const found = Object.keys(trials[0].relations).map((way) => {
    const all = trials.map(({ relations }) => relations[way]);
    const tau = all.map(({ threshold }) => threshold).filter((one) => one !== undefined && one >= 0);
    const right = sum(all, (one) => one.right);
    const claimed = right + sum(all, (one) => one.reversed + one.other);
    return [
      way,
      tau.length > 0 ? mean(tau).toFixed(2) : 'none',
      `${right}/${sum(all, (one) => one.planted)}`,
      claimed > 0 ? (right / claimed).toFixed(2) : 'none',
      sum(all, (one) => one.reversed),
      sum(all, (one) => one.other),
      `${sum(all, (one) => one.own[0])} and ${sum(all, (one) => one.own[1])}`,
    ];
  });
  console.log(`\n${formatTable(['relations from', 'tau', 'found of planted', 'precision', 'reversed', 'other', 'own labels: planted, other'], found)}`); // prettier-ignore
}

function compare(chosen, trials) {
  const rows = chosen.map((name) => {
    const own = trials.filter(({ condition }) => condition === name);
    const of = (method, i) => own.map(({ scores }) => scores[method].unseen[i]);
    const difference = (a, b, i) => gain(of(a, i).map((value, s) => value - of(b, i)[s]));
    const all = own.map(({ relations }) => relations['Null BCE, cosines, automatic threshold']);
    const total = (pick) => all.reduce((sum, one) => sum + pick(one), 0);
    const seen = (method) => (100 * mean(own.map(({ scores }) => mean(scores[method].seen)))).toFixed(1);
    return [
      name,
      `${seen('cross-entropy')}, ${seen('Null BCE')}`,
      ...[0, 1].flatMap((i) => [
        (100 * mean(of('cross-entropy', i))).toFixed(1),
        difference('Null BCE', 'cross-entropy', i),
        difference('class-relational BCE', 'Null BCE', i),
      ]),
      `${total((one) => one.right)}/${total((one) => one.planted)}, ${total((one) => one.reversed + one.other)} false`,
    ];
  });
  console.log('\n### What it depends on: unseen mIoU, differences ± standard error (seeds above 0)\n');
  const columns = (labels) => [`CE, ${labels}`, 'Null - CE', 'C-R - Null'];
  console.log(
    formatTable(['condition', 'seen: CE, Null', ...columns('first labels'), ...columns('second labels'), 'relations'], rows),
  );
}

if (isMainThread) await main();
else await work();
