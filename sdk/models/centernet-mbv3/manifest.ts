// Manifest of the default model, MobileNetV3-CenterNet trained on COCO. Data only; the recipe makes the files it names.
import type { ManifestInput } from '../../graph/manifest.js';
import { coco } from '../../taxonomy/catalog/coco.js';

/** Input: RGB 0..255 at 512 x 512, stretched, not normalised (the network was exported with its own scaling inside). */
export const manifest: ManifestInput = {
  labelweave: 1,
  name: 'centernet-mbv3',
  description: 'MobileNetV3-CenterNet, 80 COCO labels, 512 x 512, 1.3 GMAC, 2.0 million weights stored as float16.',
  origin:
    'npm @vladmandic/human, models/centernet.json and .bin (https://github.com/vladmandic/human), converted there from https://github.com/610265158/mobilenetv3_centernet',
  license: 'MIT',
  copyright: 'Copyright (c) Vladimir Mandic',
  graph: { format: 'labelweave', file: 'graph.json', weights: ['weights.safetensors'] },
  input: {
    name: 'tower_0/images',
    height: 512,
    width: 512,
    order: 'RGB',
    mean: [0, 0, 0],
    std: [1, 1, 1],
    fit: 'stretch',
    padValue: 0,
  },
  heads: [
    {
      dataset: 'coco',
      labels: coco.labels.map(({ id, name, synonyms }) =>
        synonyms.length > 0 ? { id, name, synonyms: [...synonyms] } : { id, name },
      ),
      decoder: {
        type: 'centernet',
        // The value before the sigmoid: peaks of the logits are peaks of the scores, and only survivors need the sigmoid.
        heatmap: 'tower_0/CenternetHead/centernet_cls_output/BiasAdd',
        from: 'logit',
        size: 'tower_0/wh',
        stride: 4,
        window: 3,
      },
    },
  ],
  nms: null,
};
