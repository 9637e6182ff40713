// What changed from one taxonomy to another, as splits, merges, renames, moves, additions and removals; and how far two taxonomies agree.
import type { LabelId } from '../label-space.js';
import type { LabelKey } from '../problems.js';
import { endKey, flipRelation, formatEnd, type Relation } from '../relations.js';
import type { NamePin, Taxonomy } from '../taxonomy.js';
import type { UnifiedLabel, UnifiedLabelSpace } from '../unified.js';

/** A unified label, of the first or the second taxonomy. */
export interface UnifiedRef {
  /** Its id. */
  readonly id: LabelId;
  /** Its name. */
  readonly name: string;
}

/** A label of a data set, with its name. */
export interface NamedKey extends LabelKey {
  /** Its name in the data set. */
  readonly name: string;
}

/** What is added or removed as a whole. */
export type Part =
  | { readonly of: 'dataset'; readonly name: string; readonly size: number }
  | { readonly of: 'label'; readonly label: NamedKey; readonly unified: UnifiedRef }
  | { readonly of: 'unified'; readonly unified: UnifiedRef; readonly members: readonly NamedKey[] }
  | { readonly of: 'relation'; readonly relation: Relation }
  | { readonly of: 'must-merge' | 'cannot-merge' | 'locked'; readonly labels: readonly LabelKey[] }
  | { readonly of: 'name'; readonly key: LabelKey; readonly name: string };

/** One change. Labels that only one taxonomy has count as added or removed; all else is told by the labels that both have. */
export type Change =
  /** One unified label became several. */
  | { readonly kind: 'split'; readonly from: UnifiedRef; readonly into: readonly UnifiedRef[] }
  /** Several unified labels became one. */
  | { readonly kind: 'merge'; readonly from: readonly UnifiedRef[]; readonly into: UnifiedRef }
  /** Another name for the taxonomy, a unified label or, with its key, a label of a data set. */
  | { readonly kind: 'rename'; readonly of: 'taxonomy' | 'unified' | 'label'; readonly id?: LabelId; readonly dataset?: string; readonly from: string; readonly to: string } // prettier-ignore
  /** A label of a data set went from one unified label to another, where both go on. */
  | { readonly kind: 'move'; readonly label: NamedKey; readonly from: UnifiedRef; readonly to: UnifiedRef }
  | ({ readonly kind: 'add' | 'remove' } & Part);

/**
 * What changed from `a` to `b`. Labels are the same where data set and id are. The order of labels, ids of unified labels, scores and costs do not
 * count. Where unified labels broke up and joined at once, those with most labels in common are taken for the same, and single labels move.
 * Splits come first, then merges, moves, additions, removals and renames.
 */
export function diff(a: Taxonomy, b: Taxonomy): Change[] {
  const changes: Change[] = [];
  if (a.name !== b.name) changes.push({ kind: 'rename', of: 'taxonomy', from: a.name, to: b.name });
  changes.push(...onlyIn(a.unified, b.unified, 'remove'), ...onlyIn(b.unified, a.unified, 'add'));
  for (const { dataset, id, name } of keys(a.unified)) {
    const other = labelIn(b.unified, dataset, id);
    if (other && other.name !== name) changes.push({ kind: 'rename', of: 'label', dataset, id, from: name, to: other.name });
  }
  changes.push(...unifiedChanges(a.unified, b.unified));
  changes.push(...listChanges(a.relations.list, b.relations.list, relationKey, (relation) => ({ of: 'relation', relation })));
  const pinKey = (labels: readonly LabelKey[]): string => labels.map(endKey).sort().join();
  changes.push(...listChanges(a.pins.mustMerge, b.pins.mustMerge, pinKey, (labels) => ({ of: 'must-merge', labels })));
  changes.push(...listChanges(a.pins.cannotMerge, b.pins.cannotMerge, pinKey, (labels) => ({ of: 'cannot-merge', labels })));
  changes.push(...listChanges(a.pins.locked ?? [], b.pins.locked ?? [], pinKey, (labels) => ({ of: 'locked', labels })));
  const nameKey = (pin: NamePin): string => `${endKey(pin)} ${pin.name}`;
  changes.push(
    ...listChanges(a.pins.names ?? [], b.pins.names ?? [], nameKey, ({ name, ...key }) => ({ of: 'name', key, name })),
  );
  return changes.sort((x, y) => kinds.indexOf(x.kind) - kinds.indexOf(y.kind));
}

/** What changed most comes first. */
const kinds: readonly Change['kind'][] = ['split', 'merge', 'move', 'add', 'remove', 'rename'];

/** Data sets, and labels of data sets that both have, which only `one` has. */
function* onlyIn(one: UnifiedLabelSpace, other: UnifiedLabelSpace, kind: 'add' | 'remove'): Iterable<Change> {
  const others = new Set(other.datasets.map(({ name }) => name));
  for (const { name, size } of one.datasets) if (!others.has(name)) yield { kind, of: 'dataset', name, size };
  for (const label of keys(one)) {
    if (others.has(label.dataset) && !labelIn(other, label.dataset, label.id))
      yield { kind, of: 'label', label, unified: ref(one.unifiedOf(label.dataset, { id: label.id })) };
  }
}

function* unifiedChanges(a: UnifiedLabelSpace, b: UnifiedLabelSpace): Iterable<Change> {
  /** By unified label of a: the labels that went to each unified label of b. */
  const flows = new Map<number, Map<number, NamedKey[]>>();
  const sources = new Map<number, Set<number>>();
  for (const label of keys(a)) {
    if (!labelIn(b, label.dataset, label.id)) continue;
    const [i, j] = [a.unifiedOf(label.dataset, { id: label.id }).index, b.unifiedOf(label.dataset, { id: label.id }).index];
    const own = flows.get(i) ?? new Map<number, NamedKey[]>();
    flows.set(i, own.set(j, [...(own.get(j) ?? []), label]));
    sources.set(j, (sources.get(j) ?? new Set()).add(i));
  }
  const names = (space: UnifiedLabelSpace, label: UnifiedLabel): NamedKey[] =>
    Object.entries(label.members).map(([dataset, id]) => ({ dataset, id, name: space.dataset(dataset).byId(id).name }));
  for (const label of a.labels)
    if (!flows.has(label.index)) yield { kind: 'remove', of: 'unified', unified: ref(label), members: names(a, label) };
  for (const label of b.labels)
    if (!sources.has(label.index)) yield { kind: 'add', of: 'unified', unified: ref(label), members: names(b, label) };

  const seen = new Set<number>();
  for (const start of flows.keys()) {
    if (seen.has(start)) continue;
    // Everything that labels went between: a connected part.
    const [from, to] = [new Set([start]), new Set<number>()];
    for (const i of from) {
      seen.add(i);
      for (const j of flows.get(i)!.keys()) {
        to.add(j);
        for (const other of sources.get(j)!) from.add(other);
      }
    }
    const olds = [...from].sort((x, y) => x - y).map((i) => a.labels[i]!);
    const news = [...to].sort((x, y) => x - y).map((j) => b.labels[j]!);
    const [old, now] = [olds[0]!, news[0]!];
    if (olds.length === 1 && news.length === 1) yield* renamed(old, now);
    else if (olds.length === 1) yield { kind: 'split', from: ref(old), into: news.map(ref) };
    else if (news.length === 1) yield { kind: 'merge', from: olds.map(ref), into: ref(now) };
    else yield* moves(olds, news, flows);
  }
}

function* moves(
  olds: readonly UnifiedLabel[],
  news: readonly UnifiedLabel[],
  flows: ReadonlyMap<number, ReadonlyMap<number, readonly NamedKey[]>>,
): Iterable<Change> {
  const pairs = olds.flatMap((old) =>
    news.map((now) => ({ old, now, labels: flows.get(old.index)!.get(now.index) ?? [] })).filter(({ labels }) => labels.length),
  );
  const likeness = ({ old, now, labels }: (typeof pairs)[number]): number =>
    labels.length + (old.id === now.id ? 0.5 : 0) + (old.name === now.name ? 0.25 : 0);
  const same = new Map<UnifiedLabel, UnifiedLabel>();
  const taken = new Set<UnifiedLabel>();
  for (const { old, now } of [...pairs].sort((x, y) => likeness(y) - likeness(x))) {
    if (same.has(old) || taken.has(now)) continue;
    same.set(old, now);
    taken.add(now);
  }
  for (const old of olds) {
    const now = same.get(old);
    if (now) yield* renamed(old, now);
    else yield { kind: 'remove', of: 'unified', unified: ref(old), members: [] };
  }
  for (const now of news) if (!taken.has(now)) yield { kind: 'add', of: 'unified', unified: ref(now), members: [] };
  for (const { old, now, labels } of pairs) {
    if (same.get(old) !== now) for (const label of labels) yield { kind: 'move', label, from: ref(old), to: ref(now) };
  }
}

function* renamed(old: UnifiedLabel, now: UnifiedLabel): Iterable<Change> {
  if (old.name !== now.name) yield { kind: 'rename', of: 'unified', id: now.id, from: old.name, to: now.name };
}

function* listChanges<T>(
  a: readonly T[],
  b: readonly T[],
  keyOf: (item: T) => string,
  part: (item: T) => Part,
): Iterable<Change> {
  const [before, after] = [new Set(a.map(keyOf)), new Set(b.map(keyOf))];
  for (const item of a) if (!after.has(keyOf(item))) yield { kind: 'remove', ...part(item) };
  for (const item of b) if (!before.has(keyOf(item))) yield { kind: 'add', ...part(item) };
}

/** Equal for relations that say the same, from whichever end. */
function relationKey(relation: Relation): string {
  const { a, kind, b } = endKey(relation.a) < endKey(relation.b) ? relation : flipRelation(relation);
  return `${endKey(a)} ${kind} ${endKey(b)}`;
}

function keys(space: UnifiedLabelSpace): NamedKey[] {
  return space.datasets.flatMap(({ name: dataset, labels }) => labels.map(({ id, name }) => ({ dataset, id, name })));
}

function labelIn(space: UnifiedLabelSpace, dataset: string, id: LabelId): { name: string } | undefined {
  const own = space.datasets.find(({ name }) => name === dataset);
  return own?.hasId(id) ? own.byId(id) : undefined;
}

function ref({ id, name }: UnifiedRef): UnifiedRef {
  return { id, name };
}

const show = ({ id, name }: UnifiedRef): string => `${JSON.stringify(name)} (id ${JSON.stringify(id)})`;
const showKey = (label: NamedKey): string => `${label.dataset} ${show(label)}`;
const list = (refs: readonly UnifiedRef[]): string => refs.map(show).join(', ');

/** One line for people: `split   "bird" (id 4) -> "pigeon" (id 4), "swan" (id 9)`. */
export function formatChange(change: Change): string {
  return `${change.kind.padEnd(6)}  ${sentence(change)}`;
}

function sentence(change: Change): string {
  switch (change.kind) {
    case 'split':
      return `${show(change.from)} -> ${list(change.into)}`;
    case 'merge':
      return `${list(change.from)} -> ${show(change.into)}`;
    case 'move':
      return `${showKey(change.label)}: ${show(change.from)} -> ${show(change.to)}`;
    case 'rename': {
      const { of, id, dataset, from, to } = change;
      const what = of === 'label' ? `${dataset} ${JSON.stringify(id)}` : of === 'unified' ? `unified ${JSON.stringify(id)}` : of;
      return `${what}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`;
    }
    default:
      return partSentence(change);
  }
}

function partSentence(part: Part): string {
  switch (part.of) {
    case 'dataset':
      return `data set ${JSON.stringify(part.name)}, ${part.size} labels`;
    case 'label':
      return `${showKey(part.label)}, in ${show(part.unified)}`;
    case 'unified':
      return `unified ${show(part.unified)}${part.members.length ? `: ${part.members.map(showKey).join(', ')}` : ''}`;
    case 'relation':
      return `${formatEnd(part.relation.a)} ${part.relation.kind} ${formatEnd(part.relation.b)}`;
    case 'name':
      return `pin name: ${formatEnd(part.key)} is called ${JSON.stringify(part.name)}`;
    default:
      return `pin ${part.of}: ${part.labels.map(formatEnd).join(', ')}`;
  }
}

/** How far two unified label spaces agree on the labels that both have. */
export interface Agreement {
  /** Unified labels of the first space that stand for a label that both have. */
  readonly labels: number;
  /** Of these: how many stand for exactly the same labels in the second one. */
  readonly same: number;
  /** same / labels; 1 where there is none. */
  readonly share: number;
  /** Pairs of labels that stand in one unified label, the second space taken as the truth; 1 where there is no pair. */
  readonly pairs: { readonly precision: number; readonly recall: number; readonly f1: number };
}

/** Compares two unified label spaces, the second as the truth (an expert's). Names do not count. */
export function agreement(found: UnifiedLabelSpace, truth: UnifiedLabelSpace): Agreement {
  const partitions = [found, truth].map((space) => {
    const other = space === found ? truth : found;
    return space.labels
      .map(({ members }) =>
        Object.entries(members)
          .filter(([dataset, id]) => labelIn(other, dataset, id))
          .map(([dataset, id]) => endKey({ dataset, id }))
          .sort(),
      ) // prettier-ignore
      .filter((group) => group.length);
  });
  const [mine, theirs] = partitions as [string[][], string[][]];
  const groups = new Set(theirs.map(String));
  const same = mine.filter((group) => groups.has(String(group))).length;
  const pairsOf = (partition: string[][]): Set<string> =>
    new Set(partition.flatMap((group) => group.flatMap((x, i) => group.slice(i + 1).map((y) => `${x} ${y}`))));
  const [a, b] = [pairsOf(mine), pairsOf(theirs)];
  const both = [...a].filter((pair) => b.has(pair)).length;
  const ratio = (part: number, all: number): number => (all ? part / all : 1);
  return {
    labels: mine.length,
    same,
    share: ratio(same, mine.length),
    pairs: { precision: ratio(both, a.size), recall: ratio(both, b.size), f1: ratio(2 * both, a.size + b.size) },
  };
}
