// The label hierarchy of Open Images: ancestors and descendants, and the expansion of ground truth along it.
import { describe, EvaluationError } from '../../errors.js';
import type { OpenImagesLabel } from './openimages.js';

/** Hierarchy JSON as Open Images publishes it (bbox_labels_600_hierarchy.json, challenge-2019-label500-hierarchy.json). */
export interface OpenImagesHierarchy {
  /** `/m/01g317` */
  LabelName: string;
  /** Labels below it. */
  Subcategory?: readonly OpenImagesHierarchy[];
}

/** Relations of the labels below the root, which itself stands for nothing. */
export interface LabelRelations {
  /** All labels above each label, nearest first. */
  ancestors: ReadonlyMap<string, readonly string[]>;
  /** All labels below each label. */
  descendants: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads the hierarchy as oid_hierarchical_labels_expansion.py of tensorflow/models does (since 2019: each ancestor once). A label may stand at
 * several places; it has the ancestors of all of them.
 * @throws EvaluationError `invalid-ground-truth` for a node without LabelName, or no labels.
 */
export function labelRelations(hierarchy: OpenImagesHierarchy): LabelRelations {
  const ancestors = new Map<string, Set<string>>();
  const descendants = new Map<string, Set<string>>();
  const visit = (node: OpenImagesHierarchy, above: readonly string[]): void => {
    if (typeof node?.LabelName !== 'string') {
      throw new EvaluationError('invalid-ground-truth', {
        thing: `hierarchy below ${above[0] ?? 'its root'}`,
        found: describe(node),
        wanted: '{ LabelName, Subcategory }',
      });
    }
    const label = node.LabelName;
    if (!ancestors.has(label)) ancestors.set(label, new Set());
    if (!descendants.has(label)) descendants.set(label, new Set());
    for (const higher of above) {
      ancestors.get(label)!.add(higher);
      descendants.get(higher)!.add(label);
    }
    for (const child of node.Subcategory ?? []) visit(child, [label, ...above]);
  };
  for (const node of hierarchy?.Subcategory ?? []) visit(node, []);
  if (ancestors.size === 0) {
    throw new EvaluationError('invalid-ground-truth', {
      thing: 'hierarchy',
      found: describe(hierarchy),
      wanted: 'a root with Subcategory, a list of labels',
    });
  }
  const lists = (map: Map<string, Set<string>>) => new Map([...map].map(([label, set]) => [label, [...set]] as const));
  return { ancestors: lists(ancestors), descendants: lists(descendants) };
}

/** Every object, followed by a copy for each ancestor of its label. Labels outside the hierarchy stay alone; `onUnknown` hears of them. */
export function expandObjects<T extends { readonly label: string }>(
  objects: readonly T[],
  relations: LabelRelations,
  onUnknown?: (label: string) => void,
): T[] {
  return objects.flatMap((object) => {
    const above = relations.ancestors.get(object.label);
    if (!above) onUnknown?.(object.label);
    return [object, ...(above ?? []).map((label) => ({ ...object, label }))];
  });
}

/** Labels that are there are there for all their ancestors, labels that are not for all their descendants. */
export function expandLabels(
  labels: readonly OpenImagesLabel[],
  relations: LabelRelations,
  onUnknown?: (label: string) => void,
): OpenImagesLabel[] {
  return labels.flatMap((entry) => {
    const related = (entry.confidence === 1 ? relations.ancestors : relations.descendants).get(entry.label);
    if (!related) onUnknown?.(entry.label);
    return [entry, ...(related ?? []).map((label) => ({ ...entry, label }))];
  });
}
