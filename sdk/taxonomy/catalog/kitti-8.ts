// KITTI's 8 instance classes. Data only.
import { labelSpace } from '../label-space.js';
import { idNames } from '../rows.js';

/** KITTI instances, 8 labels, as in the Robust Vision Challenge. Ids are those of Cityscapes' full list, 24 to 33. */
// prettier-ignore
export const kitti8 = /* @__PURE__ */ labelSpace('kitti-8', idNames([
  [24, 'person'], [25, 'rider'], [26, 'car'], [27, 'truck'], [28, 'bus'], [31, 'train'], [32, 'motorcycle'], [33, 'bicycle'],
]));

export default kitti8;
