// Relations between labels that are not the same: identity, subset, superset, overlap, with their score and the evidence for them.
import { findCycle } from './cycle.js';
import type { LabelId } from './label-space.js';
import { type LabelKey, type Problem, problem } from './problems.js';

/**
 * What a is to b: the same thing (`identity`); every a is a b, but not every b an a (`subset`); the other way round (`superset`); or some are both
 * (`overlap`).
 */
export type RelationKind = 'identity' | 'subset' | 'superset' | 'overlap';

/** A label of a data set, or a unified label. */
export type RelationEnd = LabelKey | { readonly unified: LabelId };

/** One reason to believe a relation. */
export interface Evidence {
  /** Where it comes from, in a word or two: `cross AP`, `cosine`, `names`, `hierarchy`, `person`. */
  readonly source: string;
  /** What was measured from a to b: the AP of classifier a on labels b, the mean activation of b on pixels of a (UniSeg, Eq. 7). */
  readonly forward?: number;
  /** The same from b to a. Relations of subsets are asymmetric. */
  readonly backward?: number;
  /** For people. */
  readonly note?: string;
}

/** a `kind` b. */
export interface Relation {
  /** The label of which something is said. */
  readonly a: RelationEnd;
  /** What a is to b. */
  readonly kind: RelationKind;
  /** The label it is compared with. */
  readonly b: RelationEnd;
  /** How sure, 0 to 1. */
  readonly score?: number;
  /** Reasons to believe it. */
  readonly evidence?: readonly Evidence[];
}

export const relationKinds: readonly RelationKind[] = ['identity', 'subset', 'superset', 'overlap'];

const opposite: Readonly<Record<RelationKind, RelationKind>> = {
  identity: 'identity',
  subset: 'superset',
  superset: 'subset',
  overlap: 'overlap',
};

/** The same relation seen from the other end. */
export function flipRelation({ a, kind, b, evidence, ...rest }: Relation): Relation {
  const flipped = evidence?.map(({ forward, backward, ...others }): Evidence => ({
    ...others,
    ...(backward !== undefined && { forward: backward }),
    ...(forward !== undefined && { backward: forward }),
  }));
  return { a: b, kind: opposite[kind], b: a, ...rest, ...(flipped && { evidence: flipped }) };
}

/** A text that is equal for equal ends, and only for them. */
export function endKey(end: RelationEnd): string {
  return JSON.stringify('unified' in end ? [end.unified] : [end.dataset, end.id]);
}

/** `"coco" 3`, or `unified "person"`. */
export function formatEnd(end: RelationEnd): string {
  return 'unified' in end ? `unified ${JSON.stringify(end.unified)}` : `${JSON.stringify(end.dataset)} ${JSON.stringify(end.id)}`;
}

/** Options of the look-ups that follow relations. */
export interface RelationOptions {
  /** Relations with a lower score do not count; those without a score always do. Default: 0. */
  minScore?: number;
}

/** The relations of a taxonomy, found from either end. Immutable. */
export class Relations {
  /** As they were given. */
  readonly list: readonly Relation[];
  readonly #from = new Map<string, Relation[]>();

  constructor(list: readonly Relation[]) {
    this.list = Object.freeze([...list]);
    for (const relation of list) {
      for (const seen of [relation, flipRelation(relation)]) {
        const key = endKey(seen.a);
        const own = this.#from.get(key);
        if (own) own.push(seen);
        else this.#from.set(key, [seen]);
      }
    }
  }

  /** The relations of a label, each with that label as `a`. */
  of(end: RelationEnd): readonly Relation[] {
    return this.#from.get(endKey(end)) ?? [];
  }

  /** What a is to b, or undefined. */
  between(a: RelationEnd, b: RelationEnd): Relation | undefined {
    const key = endKey(b);
    return this.of(a).find((relation) => endKey(relation.b) === key);
  }

  /** Everything that each `end` also is, through identities and subsets of any length: UniSeg's additional labels. Not `end` itself. */
  supersets(end: RelationEnd, options?: RelationOptions): RelationEnd[] {
    return this.#follow(end, 'subset', options);
  }

  /** Everything that is always an `end` too, through identities and supersets of any length. Not `end` itself. */
  subsets(end: RelationEnd, options?: RelationOptions): RelationEnd[] {
    return this.#follow(end, 'superset', options);
  }

  #follow(end: RelationEnd, kind: RelationKind, { minScore = 0 }: RelationOptions = {}): RelationEnd[] {
    const found = new Map<string, RelationEnd>([[endKey(end), end]]);
    // A Map is walked in order of insertion, also through what is added on the way.
    for (const from of found.values()) {
      for (const relation of this.of(from)) {
        if ((relation.kind === kind || relation.kind === 'identity') && (relation.score ?? 1) >= minScore)
          found.set(endKey(relation.b), found.get(endKey(relation.b)) ?? relation.b);
      }
    }
    return [...found.values()].slice(1);
  }
}

/** Checks relations as a whole; `known` says what is wrong with an end, if anything. */
export function checkRelations(
  list: readonly Relation[],
  known: (end: RelationEnd, path: readonly (string | number)[]) => Problem | undefined,
): Problem[] {
  const problems: Problem[] = [];
  const first = new Map<string, number>();
  const nodes = new Map<string, number>();
  const ends: RelationEnd[] = [];
  const nodeOf = (end: RelationEnd): number => {
    const key = endKey(end);
    const node = nodes.get(key);
    if (node !== undefined) return node;
    nodes.set(key, ends.length);
    return ends.push(end) - 1;
  };
  /** From what is less to what is more; `strict` where they are not the same. */
  const edges: [from: number, to: number][] = [];
  const identities: [number, number][] = [];
  list.forEach(({ a, kind, b }, i) => {
    for (const [side, end] of [
      ['a', a],
      ['b', b],
    ] as const) {
      // prettier-ignore
      const unknown = known(end, ['relations', i, side]);
      if (unknown) problems.push(unknown);
    }
    const pair = [endKey(a), endKey(b)].sort();
    if (pair[0] === pair[1]) {
      problems.push(problem('self-relation', ['relations', i], `${formatEnd(a)} related to itself`, 'two different labels'));
      return;
    }
    const key = pair.join(' ');
    const other = first.get(key);
    if (other !== undefined) {
      const found = `another relation of ${formatEnd(a)} and ${formatEnd(b)}: relations[${other}] relates them already`;
      problems.push(problem('duplicate-relation', ['relations', i], found, 'one relation of two labels'));
      return;
    }
    first.set(key, i);
    const [from, to] = [nodeOf(a), nodeOf(b)];
    if (kind === 'subset') edges.push([from, to]);
    if (kind === 'superset') edges.push([to, from]);
    if (kind === 'identity') identities.push([from, to]);
  });
  const same = ends.map((_, node) => node);
  const rootOf = (node: number): number => {
    let root = node;
    while (same[root] !== root) root = same[root]!;
    return root;
  };
  for (const [from, to] of identities) same[Math.max(rootOf(from), rootOf(to))] = Math.min(rootOf(from), rootOf(to));
  const next: number[][] = ends.map(() => []);
  for (const [from, to] of edges) next[rootOf(from)]!.push(rootOf(to));
  const cycle = findCycle(ends.length, (node) => next[node]!);
  if (cycle) {
    const shown = [...cycle, cycle[0]!].map((node) => formatEnd(ends[node]!)).join(' -> ');
    problems.push(problem('relation-cycle', ['relations'], `a cycle of subsets: ${shown}`, 'subsets that lead to larger ones only', 'Labels that are the same are an identity.')); // prettier-ignore
  }
  return problems;
}
