// Cityscapes' 19 evaluated classes with their training ids. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** Cityscapes, the 19 labels that are evaluated (Cordts et al., CVPR 2016). Ids are training ids, 0 to 18. */
// prettier-ignore
export const cityscapes19 = /* @__PURE__ */ labelSpace('cityscapes-19', idsFrom(0, [
  'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation', 'terrain', 'sky',
  'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
]));

export default cityscapes19;
