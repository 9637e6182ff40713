// Pascal Context's 59 frequent classes and background. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/**
 * Pascal Context, the 59 frequent labels and `background` (Mottaghi et al., CVPR 2014). Ids are positions in alphabetical
 * order, 0 to 59.
 */
// prettier-ignore
export const pascalContext60 = /* @__PURE__ */ labelSpace('pascal-context-60', idsFrom(0, [
  'aeroplane', 'background', 'bag', 'bed', 'bedclothes', 'bench', 'bicycle', 'bird', 'boat', 'book', 'bottle', 'building', 'bus',
  'cabinet', 'car', 'cat', 'ceiling', 'chair', 'cloth', 'computer', 'cow', 'cup', 'curtain', 'dog', 'door', 'fence', 'floor',
  'flower', 'food', 'grass', 'ground', 'horse', 'keyboard', 'light', 'motorbike', 'mountain', 'mouse', 'person', 'plate',
  'platform', 'pottedplant', 'road', 'rock', 'sheep', 'shelves', 'sidewalk', 'sign', 'sky', 'snow', 'sofa', 'table', 'track',
  'train', 'tree', 'truck', 'tvmonitor', 'wall', 'water', 'window', 'wood',
]));

export default pascalContext60;
