// From columns and pins to a packing: checks, pinned labels as one row, columns that cannot be in an answer left out. No solving.
import { describe, LearnError } from '../../errors.js';
import type { Column, LabelRef } from '../types.js';
import { type Packing, packingOf } from './packing.js';

/** What a person decided, by nodes. */
export interface NodePins {
  /** Each entry: labels that stand in one unified label. */
  readonly mustMerge?: readonly (readonly number[])[];
  /** Each entry: labels no two of which stand in one unified label. */
  readonly cannotMerge?: readonly (readonly number[])[];
  /** Each entry: a unified label that stays exactly as it is: these labels together, and no other with them. */
  readonly locked?: readonly (readonly number[])[];
}

/** A packing with the way back to columns and labels. */
export interface Program {
  readonly packing: Packing;
  /** Of each column of the packing: its column as it was given. */
  readonly source: Int32Array;
  /** Of each row: its labels; one, but where they are pinned together. */
  readonly groups: readonly (readonly number[])[];
  /** Of each row: what it costs by itself, 0 but for pinned groups (and labels with a column of their own below 0). */
  readonly base: Float64Array;
  /** Of each row: the column that is the row by itself, -1 where there is none. */
  readonly baseColumn: Int32Array;
  /** Pinned groups of two labels or more for which no column says the cost. */
  readonly unpriced: readonly (readonly number[])[];
}

/** `coco 3 "car"`. */
export function formatLabelRef({ dataset, id, name }: LabelRef): string {
  return `${dataset} ${JSON.stringify(id)} ${JSON.stringify(name)}`;
}

/** Checks the labels. Throws LearnError `invalid-columns`. */
export function checkLabels(labels: readonly LabelRef[]): void {
  if (!Array.isArray(labels) || labels.length === 0) throw wrong('labels', describe(labels), 'an array of one label or more');
  const seen = new Map<string, number>();
  labels.forEach((label, i) => {
    const key = JSON.stringify([label.dataset, String(label.id)]);
    const twin = seen.get(key);
    if (twin !== undefined)
      throw wrong(`labels[${i}]`, `${formatLabelRef(label)}, which is labels[${twin}] too`, 'each label of a data set once');
    seen.set(key, i);
  });
}

/** Checks one column. Throws LearnError `invalid-columns` with its position. */
export function checkColumn(column: Column, at: number, labels: readonly LabelRef[]): void {
  const thing = `columns[${at}]`;
  const members: unknown = column?.members;
  if (!Array.isArray(members) || members.length === 0)
    throw wrong(`${thing}.members`, describe(members), 'an array of one position of a label or more');
  for (let i = 0; i < members.length; i++) {
    const member: unknown = members[i];
    if (typeof member !== 'number' || !Number.isInteger(member) || member < 0 || member >= labels.length)
      throw wrong(`${thing}.members[${i}]`, describe(member), `an integer from 0 to ${labels.length - 1}`);
    for (let k = 0; k < i; k++) {
      const other = labels[members[k] as number]!;
      if (other.dataset !== labels[member]!.dataset) continue;
      const both = members[k] === member ? `${formatLabelRef(other)} twice` : `${formatLabelRef(other)} and ${formatLabelRef(labels[member]!)}`; // prettier-ignore
      throw wrong(`${thing}.members`, `two labels of data set ${JSON.stringify(other.dataset)}: ${both}`, 'at most one label of a data set'); // prettier-ignore
    }
  }
  if (typeof column.cost !== 'number' || !Number.isFinite(column.cost))
    throw wrong(`${thing}.cost`, describe(column.cost), 'a finite number');
}

/**
 * Makes the packing. `all`: also columns that others on some of their rows beat: without one of those they may matter.
 * Throws LearnError `invalid-columns` and `pin-conflict`.
 */
export function prepare(
  columns: readonly Column[],
  labels: readonly LabelRef[],
  lambda: number,
  pins: NodePins = {},
  all = false,
): Program {
  checkLabels(labels);
  columns.forEach((column, at) => checkColumn(column, at, labels));
  const { groups, rowOf, locked, apart } = readPins(labels, pins);
  const base = new Float64Array(groups.length);
  const baseColumn = new Int32Array(groups.length).fill(-1);
  const known = Uint8Array.from(groups, (group) => (group.length === 1 ? 1 : 0));
  const found: { rows: number[]; at: number }[] = [];
  columns.forEach(({ members, cost }, at) => {
    const rows = [...new Set(members.map((member) => rowOf[member]!))].sort((a, b) => a - b);
    if (rows.reduce((sum, row) => sum + groups[row]!.length, 0) !== members.length) return;
    if (rows.length === 1) {
      const row = rows[0]!;
      if (!known[row] || cost < base[row]!) {
        known[row] = 1;
        base[row] = cost;
        baseColumn[row] = at;
      }
      return;
    }
    if (rows.some((row) => locked[row])) return;
    if (apart.size && rows.some((row, i) => rows.slice(0, i).some((other) => apart.has(other * groups.length + row)))) return;
    found.push({ rows, at });
  });
  const gainOf = ({ rows, at }: { rows: number[]; at: number }): number =>
    rows.reduce((sum, row) => sum + base[row]!, lambda * (rows.length - 1) - columns[at]!.cost);
  const kept = undominated(found, groups.length, gainOf, all);
  return {
    packing: packingOf(groups.length, kept.map(({ rows }) => rows), kept.map(({ gain }) => gain)), // prettier-ignore
    source: Int32Array.from(kept, ({ at }) => at),
    groups,
    base,
    baseColumn,
    unpriced: groups.filter((_, row) => !known[row]),
  };
}

/** Leaves out columns that gain nothing, or no more than others on the same rows or (unless `all`) on some: two of them, or two pairs of four. */
function undominated<T extends { readonly rows: readonly number[] }>(
  columns: readonly T[],
  rows: number,
  gainOf: (column: T) => number,
  all: boolean,
): (T & { gain: number })[] {
  const gains = Float64Array.from(columns, gainOf);
  const pairs = new Map<number, number>();
  columns.forEach(({ rows: [a, b, c] }, i) => {
    const key = a! * rows + b!;
    if (c === undefined && gains[i]! > (pairs.get(key) ?? 0)) pairs.set(key, gains[i]!);
  });
  const best = new Map<string, number>();
  const dominated = (list: readonly number[], gain: number): boolean => {
    for (let p = 0; p < list.length; p++) {
      for (let q = p + 1; q < list.length; q++) {
        const own = pairs.get(list[p]! * rows + list[q]!);
        if (own === undefined) continue;
        if (own >= gain) return true;
        if (list.length !== 4) continue;
        const [r, s] = list.filter((_, i) => i !== p && i !== q);
        if (own + (pairs.get(r! * rows + s!) ?? 0) >= gain) return true;
      }
    }
    return false;
  };
  columns.forEach((column, i) => {
    const gain = gains[i]!;
    if (gain <= 0) return;
    if (!all && column.rows.length > 2 && dominated(column.rows, gain)) return;
    const key = column.rows.join();
    const other = best.get(key);
    if (other === undefined || gain > gains[other]!) best.set(key, i);
  });
  const kept = [...best.values()].sort((a, b) => a - b);
  return kept.map((i) => ({ ...columns[i]!, gain: gains[i]! }));
}

interface Groups {
  readonly groups: readonly (readonly number[])[];
  readonly rowOf: Int32Array;
  readonly locked: Uint8Array;
  /** Pairs of rows, smaller * rows + larger. */
  readonly apart: ReadonlySet<number>;
}

/** Pinned labels as groups. Throws LearnError `pin-conflict` with the labels that contradict each other, `invalid-columns` for unknown labels. */
function readPins(labels: readonly LabelRef[], { mustMerge = [], cannotMerge = [], locked = [] }: NodePins): Groups {
  const name = (node: number): string => formatLabelRef(labels[node]!);
  const check = (list: readonly (readonly number[])[], what: string): void =>
    list.forEach((nodes, i) =>
      nodes.forEach((node) => {
        if (!labels[node]) throw wrong(`pins.${what}[${i}]`, describe(node), `an integer from 0 to ${labels.length - 1}`);
      }),
    );
  check(mustMerge, 'mustMerge');
  check(cannotMerge, 'cannotMerge');
  check(locked, 'locked');
  const roots = Int32Array.from(labels, (_, node) => node);
  const rootOf = (node: number): number => {
    let root = node;
    while (roots[root] !== root) root = roots[root] = roots[roots[root]!]!;
    return root;
  };
  for (const nodes of [...mustMerge, ...locked]) {
    for (let i = 1; i < nodes.length; i++) {
      const [p, q] = [rootOf(nodes[0]!), rootOf(nodes[i]!)];
      roots[Math.max(p, q)] = Math.min(p, q);
    }
  }
  const lists = new Map<number, number[]>();
  labels.forEach((_, node) => {
    const root = rootOf(node);
    const list = lists.get(root);
    if (list) list.push(node);
    else lists.set(root, [node]);
  });
  const groups = [...lists.values()];
  const rowOf = new Int32Array(labels.length);
  groups.forEach((group, row) => group.forEach((node) => (rowOf[node] = row)));
  for (const group of groups) {
    const seen = new Map<string, number>();
    for (const node of group) {
      const { dataset } = labels[node]!;
      const twin = seen.get(dataset);
      if (twin !== undefined)
        throw new LearnError('pin-conflict', {
          thing: 'pins',
          found: `${name(twin)} and ${name(node)} of one data set, pinned into one unified label with ${group.filter((n) => n !== twin && n !== node).map(name).join(', ') || 'each other'}`, // prettier-ignore
          wanted: 'at most one label of a data set in a unified label',
          next: 'Take one of the pins away.',
        });
      seen.set(dataset, node);
    }
  }
  const isLocked = new Uint8Array(groups.length);
  for (const nodes of locked) {
    const group = groups[rowOf[nodes[0]!]!]!;
    if (group.length !== new Set(nodes).size) {
      const more = group.filter((node) => !nodes.includes(node));
      throw new LearnError('pin-conflict', {
        thing: 'pins',
        found: `${nodes.map(name).join(', ')}, locked as they are, and a pin that joins ${more.map(name).join(', ')} to them`,
        wanted: 'a locked unified label with exactly its labels',
        next: 'Take one of the pins away.',
      });
    }
    isLocked[rowOf[nodes[0]!]!] = 1;
  }
  const apart = new Set<number>();
  for (const nodes of cannotMerge) {
    nodes.forEach((node, i) => {
      for (const other of nodes.slice(0, i)) {
        const [p, q] = [rowOf[other]!, rowOf[node]!];
        if (p === q && other !== node)
          throw new LearnError('pin-conflict', {
            thing: 'pins',
            found: `${name(other)} and ${name(node)}, which must merge and cannot merge`,
            wanted: 'pins that can all hold',
            next: 'Take one of the pins away.',
          });
        apart.add(Math.min(p, q) * groups.length + Math.max(p, q));
      }
    });
  }
  return { groups, rowOf, locked: isLocked, apart };
}

/** The error for labels and columns that are not what they should be. */
export function wrong(thing: string, found: string, wanted: string, next?: string): LearnError {
  return new LearnError('invalid-columns', { thing, found, wanted, ...(next !== undefined && { next }) });
}
