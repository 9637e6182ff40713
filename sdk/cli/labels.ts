// Label spaces that the command line knows by name: every file of the catalogue, as it lies beside the program.
import { readdirSync } from 'node:fs';
import type { LabelSpace } from 'labelweave';

const folder = new URL('../taxonomy/catalog/', import.meta.url);

/** Names of the catalogue, sorted: coco, lvis-v1, objects365-v1, ... */
export function catalogueNames(): string[] {
  const files = readdirSync(folder).filter((file) => /(?<!\.d)\.[jt]s$/u.test(file));
  return files.map((file) => file.slice(0, -'.js'.length)).sort();
}

/** A label space of the catalogue, or undefined. */
export async function namedLabels(name: string): Promise<LabelSpace | undefined> {
  if (!catalogueNames().includes(name)) return undefined;
  // The published subpath of each is its file name.
  return ((await import(`labelweave/label-spaces/${name}`)) as { default: LabelSpace }).default;
}
