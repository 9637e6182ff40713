// The India Driving Dataset's 40 classes with their ids. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** India Driving Dataset, all 40 labels (Varma et al., IDD, WACV 2019). Ids 0 to 39 as in its label definitions. */
// prettier-ignore
export const idd40 = /* @__PURE__ */ labelSpace('idd-40', idsFrom(0, [
  'road', 'parking', 'drivable fallback', 'sidewalk', 'rail track', 'non-drivable fallback', 'person', 'animal', 'rider',
  'motorcycle', 'bicycle', 'autorickshaw', 'car', 'truck', 'bus', 'caravan', 'trailer', 'train', 'vehicle fallback', 'curb',
  'wall', 'fence', 'guard rail', 'billboard', 'traffic sign', 'traffic light', 'pole', 'polegroup', 'obs-str-bar-fallback',
  'building', 'bridge', 'tunnel', 'vegetation', 'sky', 'fallback background', 'unlabeled', 'ego vehicle', 'rectification border',
  'out of roi', 'license plate',
]));

export default idd40;
