// BDD100K's 19 semantic classes with their training ids. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** BDD100K semantic segmentation, 19 labels: those of Cityscapes (Yu et al., CVPR 2020). Ids are training ids, 0 to 18. */
// prettier-ignore
export const bdd19 = /* @__PURE__ */ labelSpace('bdd-19', idsFrom(0, [
  'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation', 'terrain', 'sky',
  'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
]));

export default bdd19;
