// Joins labels of several data sets into groups with at most one label of each, best pairs first, and makes a taxonomy of the groups.
import { describe } from '../../errors.js';
import { invalid, isLabelSpace, type Label, type LabelSpace } from '../label-space.js';
import type { LabelKey } from '../problems.js';
import type { Evidence, Relation } from '../relations.js';
import { type Origin, taxonomy, type Taxonomy } from '../taxonomy.js';
import { type UnifiedLabelInput, unifiedLabelSpace } from '../unified.js';

/** Labels that look the same and still are not joined; for a person to look at. */
export interface NotMerged {
  /**
   * `ambiguous`: a data set has several labels that fit equally well (Open Images' two `Mouse`). `taken`: the group has another label of that data
   * set, which fits better.
   */
  readonly why: 'ambiguous' | 'taken';
  /** `taken`: the label left out, then the one it would have been joined with. `ambiguous`: all labels that fit. */
  readonly labels: readonly LabelKey[];
  /** What they have in common: a spelling, or a similarity. */
  readonly note: string;
}

/** What a merger gives. */
export interface MergeResult {
  /** The unified labels: first the joined ones, then one for each label that is left, both in the order of the data sets. */
  readonly taxonomy: Taxonomy;
  /** Empty where nothing was doubtful. */
  readonly notMerged: readonly NotMerged[];
}

/** Checks the data sets of a merger. Throws LabelSpaceError `invalid-label-space`. */
export function checkSpaces(spaces: unknown): asserts spaces is readonly LabelSpace[] {
  if (!Array.isArray(spaces) || spaces.length === 0 || !spaces.every(isLabelSpace))
    throw invalid('data sets to merge', describe(spaces), 'an array of label spaces, one or more');
  const names = spaces.map(({ name }) => name);
  const twin = names.find((name, d) => names.indexOf(name) !== d);
  if (twin !== undefined)
    throw invalid('data sets to merge', `two called ${JSON.stringify(twin)}`, 'a name of its own for each data set');
}

/** Groups of labels, at first one for each. Labels are numbered through all data sets: node = start of the data set + position. */
export class Clusters {
  readonly #spaces: readonly LabelSpace[];
  readonly #datasetOf: Int32Array;
  readonly #starts: number[] = [];
  readonly #roots: Int32Array;
  /** Of a root: the node of each data set. */
  readonly #members: Map<number, number>[];
  readonly #relations: Relation[] = [];
  readonly #notMerged: NotMerged[] = [];

  constructor(spaces: readonly LabelSpace[]) {
    this.#spaces = spaces;
    let count = 0;
    for (const { size } of spaces) {
      this.#starts.push(count);
      count += size;
    }
    this.#datasetOf = new Int32Array(count);
    spaces.forEach(({ size }, d) => this.#datasetOf.fill(d, this.#starts[d], this.#starts[d]! + size));
    this.#roots = Int32Array.from({ length: count }, (_, node) => node);
    this.#members = Array.from({ length: count }, (_, node) => new Map([[this.#datasetOf[node]!, node]]));
  }

  nodeOf(dataset: number, index: number): number {
    return this.#starts[dataset]! + index;
  }

  datasetOf(node: number): number {
    return this.#datasetOf[node]!;
  }

  labelOf(node: number): Label {
    const d = this.datasetOf(node);
    return this.#spaces[d]!.labels[node - this.#starts[d]!]!;
  }

  keyOf(node: number): LabelKey {
    return { dataset: this.#spaces[this.datasetOf(node)]!.name, id: this.labelOf(node).id };
  }

  rootOf(node: number): number {
    let root = node;
    while (this.#roots[root] !== root) root = this.#roots[root] = this.#roots[this.#roots[root]!]!;
    return root;
  }

  /** The labels that stand with this one, itself among them. */
  membersOf(node: number): number[] {
    return [...this.#members[this.rootOf(node)]!.values()];
  }

  /** Joins the groups of two labels, unless both have a label of one data set, which is then noted. Returns whether they stand together. */
  join(a: number, b: number, score: number | undefined, evidence: Evidence): boolean {
    const [first, second] = [this.rootOf(a), this.rootOf(b)].sort((p, q) => p - q) as [number, number];
    if (first === second) return true;
    const [own, other] = [this.#members[first]!, this.#members[second]!];
    for (const d of other.keys()) {
      if (!own.has(d)) continue;
      this.leaveOut({ why: 'taken', labels: [this.keyOf(a), this.keyOf(b)], note: evidence.note ?? evidence.source });
      return false;
    }
    for (const [d, node] of other) own.set(d, node);
    this.#roots[second] = first;
    this.#relations.push({
      a: this.keyOf(a),
      kind: 'identity',
      b: this.keyOf(b),
      ...(score !== undefined && { score }),
      evidence: [evidence],
    });
    return true;
  }

  leaveOut(what: NotMerged): void {
    this.#notMerged.push(what);
  }

  /** The groups as a taxonomy; a group has the name of its first member. */
  finish(name: string, origin: Origin): MergeResult {
    const labels: UnifiedLabelInput[] = [];
    const taken = new Set<string>();
    for (let node = 0; node < this.#roots.length; node++) {
      if (this.rootOf(node) !== node || this.#members[node]!.size < 2) continue;
      const members = [...this.#members[node]!.values()].sort((a, b) => a - b);
      const first = this.labelOf(members[0]!);
      const own = this.keyOf(members[0]!);
      const unique = [first.name, `${first.name} (${own.dataset})`].find((one) => !taken.has(one));
      const label = { name: unique ?? `${first.name} (${own.dataset} ${own.id})` };
      taken.add(label.name);
      labels.push({ ...label, members: Object.fromEntries(members.map((m) => [this.keyOf(m).dataset, this.keyOf(m).id])) });
    }
    const unified = unifiedLabelSpace(name, this.#spaces, labels, { rest: 'single' });
    return { taxonomy: taxonomy(unified, { relations: this.#relations, origin }), notMerged: this.#notMerged };
  }
}
