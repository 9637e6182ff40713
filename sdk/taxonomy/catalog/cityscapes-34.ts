// Cityscapes' 34 classes with the ids of its label images. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/**
 * Cityscapes, all 34 labels (Cordts et al., CVPR 2016). Ids as in `*_labelIds.png`, 0 to 33; `license plate` (-1) is left
 * out.
 */
// prettier-ignore
export const cityscapes34 = /* @__PURE__ */ labelSpace('cityscapes-34', idsFrom(0, [
  'unlabeled', 'ego vehicle', 'rectification border', 'out of roi', 'static', 'dynamic', 'ground', 'road', 'sidewalk', 'parking',
  'rail track', 'building', 'wall', 'fence', 'guard rail', 'bridge', 'tunnel', 'pole', 'polegroup', 'traffic light',
  'traffic sign', 'vegetation', 'terrain', 'sky', 'person', 'rider', 'car', 'truck', 'bus', 'caravan', 'trailer', 'train',
  'motorcycle', 'bicycle',
]));

export default cityscapes34;
