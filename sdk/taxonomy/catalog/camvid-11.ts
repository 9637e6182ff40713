// CamVid's usual 11 classes. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** CamVid, the 11 labels that are usually evaluated (Brostow et al., 2009; grouped as in SegNet). Ids are positions, 0 to 10. */
// prettier-ignore
export const camvid11 = /* @__PURE__ */ labelSpace('camvid-11', idsFrom(0, [
  'Building', 'Tree', 'Sky', 'Car', 'SignSymbol', 'Road', 'Pedestrian', 'Fence', 'Column_Pole', 'Sidewalk', 'Bicyclist',
]));

export default camvid11;
