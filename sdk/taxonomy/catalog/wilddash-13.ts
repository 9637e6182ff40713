// WildDash 2's 13 instance classes. Data only.
import { labelSpace } from '../label-space.js';
import { idNames } from '../rows.js';

/** WildDash 2 instances, 13 labels, as in the Robust Vision Challenge (Zendel et al.). Ids 1 to 35, with gaps. */
// prettier-ignore
export const wilddash13 = /* @__PURE__ */ labelSpace('wilddash-13', idNames([
  [1, 'ego vehicle'], [24, 'person'], [25, 'rider'], [26, 'car'], [27, 'truck'], [28, 'bus'], [29, 'caravan'], [30, 'trailer'],
  [31, 'train'], [32, 'motorcycle'], [33, 'bicycle'], [34, 'pickup'], [35, 'van'],
]));

export default wilddash13;
