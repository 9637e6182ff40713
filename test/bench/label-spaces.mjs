// Label spaces side by side, as UniDet's Tables 3 and 4: size, agreement with the expert's map over COCO, Objects365 and Open Images, with lambda and tau
// swept. Needs the shared data (../shared/data/taxonomies): UniDet's learned and expert's maps, the costs it printed, CLIP's vectors of names.
//
// npm run build && node test/bench/label-spaces.mjs
import { readFileSync } from 'node:fs';
import { compareMerges, languageLoss, candidatesOf, learnTaxonomy, nameLoss } from '../../dist/learn/index.js';
import { labelSpace, matchName, unifiedLabelSpace } from '../../dist/taxonomy/index.js';
import { mergeByEmbedding, mergeByName, readVectors } from '../../dist/taxonomy/merge/index.js';
import { formatTable } from './table.mjs';

const shared = new URL('../../../shared/data/taxonomies/', import.meta.url);
const bytes = (path) => new Uint8Array(readFileSync(new URL(path, shared)));
const json = (path) => JSON.parse(readFileSync(new URL(path, shared), 'utf8'));

const lists = json('label-spaces.json');
const sorted = (name) => [...lists[name].labels].sort((x, y) => x.id - y.id);
const spaces = [
  labelSpace(
    'coco',
    sorted('coco').map(({ id, name }) => ({ id, name })),
  ),
  labelSpace(
    'objects365',
    sorted('objects365-v1').map(({ id, name }) => ({ id, name: name.trim() })),
  ),
  labelSpace(
    'oid',
    sorted('openimages-challenge-500').map(({ freebase_id: id, name }) => ({ id, name })),
  ),
];
const [coco, objects365, oid] = spaces;
const unidet = (file) => {
  const { categories, label_map: map } = json(`unidet/${file}.json`);
  const labels = categories.map(({ id, name }) => ({ id, name: name || `(no name) ${id}`, members: {} }));
  for (const space of spaces) map[space.name].forEach((u, k) => (labels[u].members[space.name] = space.at(k).id));
  return unifiedLabelSpace(file, spaces, labels);
};
const expert = unidet('manual');
const rows = [];
const add = (name, unified) => {
  const { size, precision, recall, f1 } = compareMerges(unified, expert);
  rows.push([name, String(size), precision.toFixed(3), recall.toFixed(3), f1.toFixed(3)]);
};

add("expert's (Robust Vision Challenge)", expert);
add('UniDet, learned by AP, as published', unidet('learned_mAP'));
for (const level of ['exact', 'normalised', 'synonyms']) add(`names, ${level}`, mergeByName(spaces, { level }).taxonomy.unified);

// CLIP's rows of Objects365 are in the order of v2: they are looked up by name.
const v2 = labelSpace(
  'objects365',
  sorted('objects365-v2').map(({ id, name }) => ({ id, name: name.trim() })),
);
const vectorsOf = (space, file) => readVectors(space, bytes(`clip/${file}`), file);
const rowsOf = vectorsOf(v2, 'o365_clip_a+cnamefix.npy');
const width = rowsOf.vectors.length / v2.size;
const vectors = new Float32Array(objects365.size * width);
let found = 0;
for (const { index, name } of objects365.labels) {
  const other = matchName(v2, [name])?.label;
  if (!other) continue;
  found++;
  for (let i = 0; i < width; i++) vectors[index * width + i] = rowsOf.vectors[other.index * width + i];
}
const embedded = [
  vectorsOf(coco, 'coco_clip_a+cname.npy'),
  { space: objects365, vectors },
  vectorsOf(oid, 'oid_clip_a+cname.npy'),
];
for (const threshold of [0.9, 0.95, 0.98]) {
  add(`CLIP, cosine >= ${threshold} (greedy)`, mergeByEmbedding(embedded, { threshold }).taxonomy.unified);
}
const language = languageLoss(spaces, embedded);
const fromCandidates = async (found, lambda) => (await learnTaxonomy(found, { lambda })).taxonomy.unified;
add('CLIP, 1 - cosine <= 0.05, 0-1 program', await fromCandidates(await candidatesOf(language, { tau: 0.05 }), 0.5));

// The costs that UniDet printed; its program weighs a column by |t| times the cost.
const starts = { coco: 0, objects365: coco.size, oid: coco.size + objects365.size };
const nodeOf = (key) => {
  const [, name, rest] = /^(coco|objects365|oid)_(.*)$/u.exec(key);
  const space = spaces.find((one) => one.name === name);
  // Open Images has two Mouse and two Bench; the second ones are called Mouse2 and Bench2.
  const second = space.allByName(rest).length === 0 && rest.endsWith('2');
  const labels = space.allByName(second ? rest.slice(0, -1) : rest);
  return starts[name] + labels[second ? 1 : 0].index;
};
const printed = json('unidet/notebook/unidet_notebook_costs.json');
const all = [...printed.pairs, ...printed.triples].map(({ m, c }) => ({ members: m.map(nodeOf).sort((x, y) => x - y), c }));
const columnsUnder = (pair, triple) =>
  all
    .filter(({ members, c }) => c <= (members.length === 2 ? pair : triple))
    .map(({ members, c }) => ({ members, cost: members.length * c }));
const origin = { method: 'learned' };
for (const lambda of [0.05, 0.1, 0.5, 1]) {
  add(
    `UniDet's costs, lambda ${lambda}`,
    await fromCandidates({ spaces, columns: columnsUnder(0.05, 0.2), nearMisses: [], origin }, lambda),
  );
}
for (const tau of [0, 0.01, 0.02, 0.05, 0.2]) {
  add(
    `UniDet's costs, pairs <= ${tau}`,
    await fromCandidates({ spaces, columns: columnsUnder(tau, 4 * tau), nearMisses: [], origin }, 0.5),
  );
}
// Vision or language: either may propose a merge; equal names make it cheaper.
const names = nameLoss(spaces);
const byKey = new Map(columnsUnder(0.05, 0.2).map((column) => [column.members.join(), column]));
for (const column of (await candidatesOf(language, { tau: 0.05 })).columns)
  if (!byKey.has(column.members.join())) byKey.set(column.members.join(), column);
add('vision or CLIP', await fromCandidates({ spaces, columns: [...byKey.values()], nearMisses: [], origin }, 0.5));
const named = [...byKey.values()].map((column) => ({
  ...column,
  cost: column.cost - (Number.isNaN(names.cost(column.members).cost) ? 0 : 0.1),
}));
add('vision or CLIP, equal names 0.1 cheaper', await fromCandidates({ spaces, columns: named, nearMisses: [], origin }, 0.5));

console.log(`${found} of ${objects365.size} labels of Objects365 v1 have a vector by name\n`);
console.log(formatTable(['label space', 'size', 'precision', 'recall', 'F1'], rows));
