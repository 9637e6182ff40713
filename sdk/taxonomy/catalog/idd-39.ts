// The India Driving Dataset's 39 classes. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** India Driving Dataset, 39 labels: the 40 without `unlabeled`, numbered anew from 0 to 38 (as MSeg does). */
// prettier-ignore
export const idd39 = /* @__PURE__ */ labelSpace('idd-39', idsFrom(0, [
  'road', 'parking', 'drivable fallback', 'sidewalk', 'rail track', 'non-drivable fallback', 'person', 'animal', 'rider',
  'motorcycle', 'bicycle', 'autorickshaw', 'car', 'truck', 'bus', 'caravan', 'trailer', 'train', 'vehicle fallback', 'curb',
  'wall', 'fence', 'guard rail', 'billboard', 'traffic sign', 'traffic light', 'pole', 'polegroup', 'obs-str-bar-fallback',
  'building', 'bridge', 'tunnel', 'vegetation', 'sky', 'fallback background', 'ego vehicle', 'rectification border', 'out of roi',
  'license plate',
]));

export default idd39;
