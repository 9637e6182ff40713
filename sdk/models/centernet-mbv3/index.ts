// The default model as a module: where its files are, in a form that bundlers and plain ES modules both follow. The files are built by the recipe.
import type { ModelFiles } from '../../graph/model.js';
import { manifest } from './manifest.js';

/** MobileNetV3-CenterNet, 80 COCO labels, 4 MB. MIT, Copyright (c) Vladimir Mandic; see LICENSE beside it. */
const centernet: ModelFiles = {
  manifest,
  files: {
    'graph.json': /* @__PURE__ */ new URL('./graph.json', import.meta.url),
    'weights.safetensors': /* @__PURE__ */ new URL('./weights.safetensors', import.meta.url),
  },
};

export default centernet;
