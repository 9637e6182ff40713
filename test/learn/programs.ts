// 0-1 programs for tests and measurements of the solvers: UniDet's own from the shared data, and planted ones of any size from a seed.
import { readFileSync } from 'node:fs';
import type { Column, LabelRef } from 'labelweave/learn';
import { sharedData } from '../shared-data.js';

/** A program as solvers take it. */
export interface Program {
  readonly labels: LabelRef[];
  readonly columns: Column[];
}

/** Numbers in 0..1 from a seed (mulberry32): the same on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x = (x + Math.imul(x ^ (x >>> 7), x | 61)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Labels of some data sets with ids from 0 and names that say nothing. */
export function labelsOf(sizes: readonly number[]): LabelRef[] {
  return sizes.flatMap((size, d) =>
    Array.from({ length: size }, (_, id) => ({ dataset: `set${d}`, id, name: `label ${d}.${id}` })),
  );
}

/**
 * Data sets with `size` labels each that share hidden concepts. Labels of one concept cost little to merge, labels of near concepts a little more; larger
 * sets grow from smaller ones as Algorithm 1 of UniDet does, while their cost stays under tau a step. `near` says how many near concepts a label is
 * mistaken for; `blur` (0 to 1) how much the costs of right and wrong merges overlap.
 */
export function plantedProgram({
  sets,
  size,
  seed,
  near = 1.2,
  tau = 0.25,
  blur = 0,
}: {
  sets: number;
  size: number;
  seed: number;
  near?: number;
  tau?: number;
  blur?: number;
}): Program {
  const random = randomFrom(seed);
  const labels = labelsOf(new Array<number>(sets).fill(size));
  const concepts = Math.round(size * 1.6);
  // Each data set has its own choice of concepts.
  const nodeOf: Int32Array[] = Array.from({ length: sets }, () => new Int32Array(concepts).fill(-1));
  const conceptOf = new Int32Array(sets * size);
  for (let d = 0; d < sets; d++) {
    const order = Array.from({ length: concepts }, (_, c) => ({ c, key: random() })).sort((a, b) => a.key - b.key);
    for (let k = 0; k < size; k++) {
      nodeOf[d]![order[k]!.c] = d * size + k;
      conceptOf[d * size + k] = order[k]!.c;
    }
  }
  const pair = new Map<number, number>();
  const count = sets * size;
  const link = (a: number, b: number, cost: number): void => {
    if (a >= 0 && b >= 0) pair.set(Math.min(a, b) * count + Math.max(a, b), cost);
  };
  for (let d = 0; d < sets; d++) {
    for (let e = d + 1; e < sets; e++) {
      for (let k = 0; k < size; k++) {
        const c = conceptOf[d * size + k]!;
        link(d * size + k, nodeOf[e]![c]!, random() * (0.12 + 0.28 * blur) - 0.04);
        for (let n = random() * near * 2; n > 1; n -= 1) {
          const other = (c + 1 + Math.floor(random() * 4)) % concepts;
          link(d * size + k, nodeOf[e]![other]!, 0.05 * (1 - blur) + random() * 0.3);
        }
      }
    }
  }
  const columns: Column[] = [];
  const neighbours = new Map<number, number[]>();
  let level: { members: number[]; cost: number }[] = [];
  for (const [key, cost] of pair) {
    const [a, b] = [Math.floor(key / count), key % count];
    neighbours.set(a, [...(neighbours.get(a) ?? []), b]);
    if (cost <= tau) level.push({ members: [a, b], cost });
  }
  while (level.length) {
    for (const { members, cost } of level) columns.push({ members, cost });
    const next: typeof level = [];
    for (const { members, cost } of level) {
      const last = members.at(-1)!;
      for (const b of neighbours.get(last) ?? []) {
        const costs = members.map((a) => pair.get(a * count + b));
        if (costs.some((one) => one === undefined)) continue;
        const more = costs.reduce<number>((sum, one) => sum + one!, 0) / members.length;
        const total = cost + more + (random() - 0.5) * 0.04;
        if (total <= tau * members.length) next.push({ members: [...members, b], cost: total });
      }
    }
    level = next;
  }
  return { labels, columns };
}

/** A small program with anything in it: ties, negative costs, single columns, columns that gain nothing. */
export function wildProgram(seed: number, sets = 3, size = 4, most = 14): Program {
  const random = randomFrom(seed);
  const labels = labelsOf(Array.from({ length: sets }, () => 1 + Math.floor(random() * size)));
  const byDataset = new Map<string, number[]>();
  labels.forEach(({ dataset }, node) => byDataset.set(dataset, [...(byDataset.get(dataset) ?? []), node]));
  const columns: Column[] = [];
  for (let n = Math.floor(random() * most); n > 0; n--) {
    const members = [...byDataset.values()].flatMap((nodes) =>
      random() < 0.6 ? [nodes[Math.floor(random() * nodes.length)]!] : [],
    );
    // Few different costs, so that there are ties.
    if (members.length > 0) columns.push({ members, cost: Math.round((random() - 0.4) * 8) / 8 });
  }
  return { labels, columns };
}

/** The least objective, by trying everything. */
export function bruteForce({ labels, columns }: Program, lambda: number): number {
  let best = Number.POSITIVE_INFINITY;
  const used = new Set<number>();
  const go = (at: number, sum: number): void => {
    if (at === columns.length) {
      best = Math.min(best, sum + lambda * (labels.length - used.size));
      return;
    }
    go(at + 1, sum);
    const { members, cost } = columns[at]!;
    if (members.some((node) => used.has(node))) return;
    for (const node of members) used.add(node);
    go(at + 1, sum + cost + lambda);
    for (const node of members) used.delete(node);
  };
  go(0, 0);
  return best;
}

/** UniDet's merge costs as its notebook printed them, over all labels of its three data sets, weighed as its program does: |t| x cost. */
export function uniDetProgram(): Program & { chosen: string[] } {
  type Printed = { m: string[]; c: number };
  const read = (path: string): unknown => JSON.parse(readFileSync(sharedData(`taxonomies/unidet/notebook/${path}`), 'utf8'));
  const { pairs, triples } = read('unidet_notebook_costs.json') as { pairs: Printed[]; triples: Printed[] };
  const kept = [...pairs.filter(({ c }) => c <= 0.05), ...triples.filter(({ c }) => c <= 0.2)];
  const selected = read('unidet_notebook_selected.json') as Printed[];
  const sizes = { objects365: 365, coco: 80, oid: 500 };
  const labels: LabelRef[] = [];
  const nodes = new Map<string, number>();
  for (const [dataset, size] of Object.entries(sizes)) {
    const names = [...new Set(kept.flatMap(({ m }) => m))].filter((name) => name.startsWith(`${dataset}_`));
    names.forEach((name, id) => {
      nodes.set(name, labels.length);
      labels.push({ dataset, id, name: name.slice(dataset.length + 1) });
    });
    // The labels that no column mentions stand alone whatever happens.
    for (let id = names.length; id < size; id++) labels.push({ dataset, id, name: `other ${id}` });
  }
  const key = (m: string[]): string => m.map((name) => nodes.get(name)!).sort((a, b) => a - b).join(); // prettier-ignore
  return {
    labels,
    columns: kept.map(({ m, c }) => ({ members: m.map((name) => nodes.get(name)!).sort((a, b) => a - b), cost: m.length * c })),
    chosen: selected.map(({ m }) => key(m)).sort(),
  };
}
