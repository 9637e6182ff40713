// Models that the command line knows by name: those that the package ships; and whether a file is a model without a manifest.
import { readFile } from 'node:fs/promises';
import { isModelFile } from 'labelweave';

const shipped: Readonly<Record<string, URL>> = {
  'centernet-mbv3': new URL('../models/centernet-mbv3/labelweave.json', import.meta.url),
};

/** The location of a shipped model, or `model` itself: a path or URL. */
export function namedModel(model: string): URL | string {
  return Object.hasOwn(shipped, model) ? shipped[model]! : model;
}

/** Whether a path is a model file that stands alone: by its name, or a JSON file with what TF.js writes into it. */
export async function standsAlone(model: string): Promise<boolean> {
  if (isModelFile(model)) return true;
  if (!/\.json$/i.test(model)) return false;
  try {
    const json: unknown = JSON.parse(await readFile(model, 'utf8'));
    return typeof json === 'object' && json !== null && 'modelTopology' in json;
  } catch {
    // What cannot be read is reported by whoever opens it.
    return false;
  }
}
