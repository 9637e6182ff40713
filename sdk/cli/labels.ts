// Label spaces that the command line knows by name: those of the catalogue.
import type { LabelSpace } from 'labelweave';

const catalogue: Readonly<Record<string, () => Promise<{ default: LabelSpace }>>> = {
  coco: () => import('labelweave/label-spaces/coco'),
  voc: () => import('labelweave/label-spaces/voc'),
};

/** A label space of the catalogue, or undefined. */
export async function namedLabels(name: string): Promise<LabelSpace | undefined> {
  return Object.hasOwn(catalogue, name) ? (await catalogue[name]!()).default : undefined;
}
