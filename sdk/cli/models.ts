// Models that the command line knows by name: those that the package ships.

const shipped: Readonly<Record<string, URL>> = {
  'centernet-mbv3': new URL('../models/centernet-mbv3/labelweave.json', import.meta.url),
};

/** The location of a shipped model, or `model` itself: a path or URL. */
export function namedModel(model: string): URL | string {
  return Object.hasOwn(shipped, model) ? shipped[model]! : model;
}
