// ScanNet's 20 semantic classes. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/**
 * ScanNet semantic segmentation, 20 labels (Dai et al., CVPR 2017). Ids are positions in alphabetical order, 0 to 19; the
 * spelling is the data set's.
 */
// prettier-ignore
export const scannet20 = /* @__PURE__ */ labelSpace('scannet-20', idsFrom(0, [
  'bathtub', 'bed', 'bookshelf', 'cabinet', 'chair', 'counter', 'curtain', 'desk', 'door', 'floor', 'otherfurniture', 'picture',
  'refridgerator', 'shower curtain', 'sink', 'sofa', 'table', 'toilet', 'wall', 'window',
]));

export default scannet20;
