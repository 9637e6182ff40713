// KITTI's 19 semantic classes. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** KITTI semantic segmentation, 19 labels: those of Cityscapes (Alhaija et al., IJCV 2018). Ids are training ids, 0 to 18. */
// prettier-ignore
export const kitti19 = /* @__PURE__ */ labelSpace('kitti-19', idsFrom(0, [
  'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation', 'terrain', 'sky',
  'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
]));

export default kitti19;
