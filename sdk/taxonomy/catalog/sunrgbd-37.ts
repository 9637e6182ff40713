// SUN RGB-D's 37 semantic classes. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** SUN RGB-D semantic segmentation, 37 labels (Song et al., CVPR 2015). Ids 0 to 36; the spelling is the data set's. */
// prettier-ignore
export const sunrgbd37 = /* @__PURE__ */ labelSpace('sunrgbd-37', idsFrom(0, [
  'wall', 'floor', 'cabinet', 'bed', 'chair', 'sofa', 'table', 'door', 'window', 'bookshelf', 'picture', 'counter', 'blinds',
  'desk', 'shelves', 'curtain', 'dresser', 'pillow', 'mirror', 'floor mat', 'clothes', 'ceiling', 'books', 'refridgerator',
  'television', 'paper', 'towel', 'shower curtain', 'box', 'whiteboard', 'person', 'night stand', 'toilet', 'sink', 'lamp',
  'bathtub', 'bag',
]));

export default sunrgbd37;
