// ScanNet's 18 instance classes. Data only.
import { labelSpace } from '../label-space.js';
import { idNames } from '../rows.js';

/**
 * ScanNet instances, 18 labels, as in the Robust Vision Challenge (Dai et al., CVPR 2017). Ids are those of NYU-40, 3 to 39
 * with gaps.
 */
// prettier-ignore
export const scannet18 = /* @__PURE__ */ labelSpace('scannet-18', idNames([
  [3, 'cabinet'], [4, 'bed'], [5, 'chair'], [6, 'sofa'], [7, 'table'], [8, 'door'], [9, 'window'], [10, 'bookshelf'],
  [11, 'picture'], [12, 'counter'], [14, 'desk'], [16, 'curtain'], [24, 'refrigerator'], [28, 'shower curtain'], [33, 'toilet'],
  [34, 'sink'], [36, 'bathtub'], [39, 'otherfurniture'],
]));

export default scannet18;
