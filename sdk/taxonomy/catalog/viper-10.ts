// VIPER's 10 instance classes. Data only.
import { labelSpace } from '../label-space.js';
import { idNames } from '../rows.js';

/** VIPER (Playing for Benchmarks) instances, 10 labels (Richter et al., ICCV 2017). Ids 13 to 27, with gaps. */
// prettier-ignore
export const viper10 = /* @__PURE__ */ labelSpace('viper-10', idNames([
  [13, 'trafficlight'], [16, 'firehydrant'], [17, 'chair'], [19, 'trashcan'], [20, 'person'], [23, 'motorcycle'], [24, 'car'],
  [25, 'van'], [26, 'bus'], [27, 'truck'],
]));

export default viper10;
