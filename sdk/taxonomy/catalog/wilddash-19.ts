// WildDash's 19 semantic classes. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** WildDash semantic segmentation, 19 labels: those of Cityscapes (Zendel et al., ECCV 2018). Ids are training ids, 0 to 18. */
// prettier-ignore
export const wilddash19 = /* @__PURE__ */ labelSpace('wilddash-19', idsFrom(0, [
  'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation', 'terrain', 'sky',
  'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
]));

export default wilddash19;
