// The India Driving Dataset's 26 classes of level 3. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/**
 * India Driving Dataset, level 3 of its hierarchy, 26 labels (Varma et al., IDD, WACV 2019). Ids are level-3 ids, 0 to 25.
 * Seven labels join several of the full list: parking + drivable fallback, rail track + non-drivable fallback, person +
 * animal, vehicle fallback + caravan + trailer + train, pole + polegroup, bridge + tunnel, sky + fallback background; the
 * names are those of UniSeg, Table A-3.
 */
// prettier-ignore
export const idd26 = /* @__PURE__ */ labelSpace('idd-26', idsFrom(0, [
  'road', 'parking', 'sidewalk', 'rail track', 'person', 'rider', 'motorcycle', 'bicycle', 'autorickshaw', 'car', 'truck', 'bus',
  'vehicle fallback', 'curb', 'wall', 'fence', 'guard rail', 'billboard', 'traffic sign', 'traffic light', 'pole',
  'obs-str-bar-fallback', 'building', 'bridge', 'vegetation', 'sky',
]));

export default idd26;
