// A hierarchy of labels as a directed acyclic graph: ancestors and descendants, and how boxes and negatives are expanded along it (Open Images).
import { ArgumentError, describe } from '../errors.js';
import { findCycle } from './cycle.js';
import { formatCycle, formatSpace, invalid, type Label, type LabelSpace } from './label-space.js';
import { findRef, type LabelRef } from './match.js';

/** Rows of an expanded list; `rows` says which given row each came from, so that parallel arrays can follow. */
export interface Expanded {
  /** Int32 [m]: the given position. */
  readonly rows: Int32Array;
  /** Int32 [m]: the label. */
  readonly labelIndices: Int32Array;
}

/** More general labels above, more special ones below; a label may have several parents. Immutable. Made by {@link hierarchyOf}. */
export class Hierarchy<L extends string = string> {
  /** The labels, N. */
  readonly space: LabelSpace<L>;
  readonly #parents: readonly (readonly number[])[];
  readonly #children: readonly (readonly number[])[];
  readonly #above = new Map<number, Int32Array>();
  readonly #below = new Map<number, Int32Array>();

  /**
   * `parents[i]` are the positions of the labels directly above label i. Throws LabelSpaceError `invalid-label-space`; a cycle is named label by label.
   */
  constructor(space: LabelSpace<L>, parents: readonly (readonly number[])[]) {
    const thing = `hierarchy of ${formatSpace(space)}`;
    if (parents.length !== space.size) throw invalid(thing, `parents of ${parents.length} labels`, `those of ${space.size}`);
    const children: number[][] = parents.map(() => []);
    parents.forEach((above, k) => {
      for (const parent of new Set(above)) {
        if (!children[parent])
          throw invalid(`${thing}, parents of label ${k}`, describe(parent), `positions from 0 to ${space.size - 1}`);
        children[parent].push(k);
      }
    });
    const cycle = findCycle(space.size, (k) => parents[k]!);
    if (cycle) throw invalid(thing, `a cycle: ${formatCycle(cycle, space.labels)}`, 'parents that lead upwards only');
    this.space = space;
    this.#parents = parents.map((above) => [...new Set(above)]);
    this.#children = children;
  }

  /** Labels directly above. Throws LabelSpaceError `unknown-label`, `ambiguous-label`, as all look-ups here. */
  parents(label: LabelRef): readonly Label<L>[] {
    return this.#labels(this.#parents[this.#index(label)]!);
  }

  /** Labels directly below. */
  children(label: LabelRef): readonly Label<L>[] {
    return this.#labels(this.#children[this.#index(label)]!);
  }

  /** All labels above, in label order, each once; not the label itself. */
  ancestors(label: LabelRef): readonly Label<L>[] {
    return this.#labels(this.ancestorIndices(this.#index(label)));
  }

  /** All labels below, in label order, each once; not the label itself. */
  descendants(label: LabelRef): readonly Label<L>[] {
    return this.#labels(this.descendantIndices(this.#index(label)));
  }

  /** Labels without parents. */
  get roots(): readonly Label<L>[] {
    return this.space.labels.filter(({ index }) => this.#parents[index]!.length === 0);
  }

  /** Whether `above` is an ancestor of `below`; no label is its own. */
  isAncestor(above: LabelRef, below: LabelRef): boolean {
    return this.ancestorIndices(this.#index(below)).includes(this.#index(above));
  }

  /** {@link Hierarchy.ancestors} by positions, rising. Kept: later calls cost nothing. */
  ancestorIndices(index: number): Int32Array {
    return reach(index, this.#parents, this.#above);
  }

  /** {@link Hierarchy.descendants} by positions, rising. Kept: later calls cost nothing. */
  descendantIndices(index: number): Int32Array {
    return reach(index, this.#children, this.#below);
  }

  /**
   * Boxes upwards, as Open Images prepares ground truth and predictions: each row itself, then once for each ancestor of its label.
   * `labelIndices` [n] are positions in `space`. Throws ArgumentError.
   */
  expandUp(labelIndices: ArrayLike<number>): Expanded {
    return this.#expand(labelIndices, (k) => this.ancestorIndices(k));
  }

  /**
   * Negatives downwards: where a label is verified to be absent, so is everything below it. Each row itself, then once for each descendant.
   * Image-level positives go upwards, with {@link Hierarchy.expandUp}.
   */
  expandNegatives(labelIndices: ArrayLike<number>): Expanded {
    return this.#expand(labelIndices, (k) => this.descendantIndices(k));
  }

  #expand(labelIndices: ArrayLike<number>, more: (index: number) => Int32Array): Expanded {
    const rows: number[] = [];
    const labels: number[] = [];
    for (let row = 0; row < labelIndices.length; row++) {
      const index = labelIndices[row]!;
      if (!this.#parents[index]) {
        throw new ArgumentError({
          thing: `labelIndices[${row}]`,
          found: describe(index),
          wanted: `an integer from 0 to ${this.space.size - 1}`,
        });
      }
      rows.push(row);
      labels.push(index);
      for (const other of more(index)) {
        rows.push(row);
        labels.push(other);
      }
    }
    return { rows: Int32Array.from(rows), labelIndices: Int32Array.from(labels) };
  }

  #index(label: LabelRef): number {
    return findRef(this.space, label).index;
  }

  #labels(indices: Iterable<number>): readonly Label<L>[] {
    return Array.from(indices, (k) => this.space.at(k));
  }
}

/** The hierarchy that the `parents` of a label space make. */
export function hierarchyOf<L extends string>(space: LabelSpace<L>): Hierarchy<L> {
  return new Hierarchy(
    space,
    space.labels.map((label) => label.parents.map((id) => space.byId(id).index)),
  );
}

/** Everything that edges lead to from `start`, rising, without `start`. */
function reach(start: number, edges: readonly (readonly number[])[], known: Map<number, Int32Array>): Int32Array {
  const kept = known.get(start);
  if (kept) return kept;
  const found = new Set<number>();
  const open = [...edges[start]!];
  for (let k = open.pop(); k !== undefined; k = open.pop()) {
    if (found.has(k)) continue;
    found.add(k);
    open.push(...edges[k]!);
  }
  const list = Int32Array.from(found).sort();
  known.set(start, list);
  return list;
}
