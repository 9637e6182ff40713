// Mapillary Vistas' 37 classes with instances. Data only.
import { labelSpace } from '../label-space.js';
import { idNames } from '../rows.js';

/**
 * Mapillary Vistas, the 37 labels that have instances, as the Robust Vision Challenge names and numbers them (ids 1 to 63,
 * with gaps).
 */
// prettier-ignore
export const mapillaryInstances37 = /* @__PURE__ */ labelSpace('mapillary-instances-37', idNames([
  [1, 'animal--bird'], [2, 'animal--ground-animal'], [9, 'construction--flat--crosswalk-plain'], [20, 'human--person'],
  [21, 'human--rider--bicyclist'], [22, 'human--rider--motorcyclist'], [23, 'human--rider--other-rider'],
  [24, 'marking--crosswalk-zebra'], [33, 'object--banner'], [34, 'object--bench'], [35, 'object--bike-rack'],
  [36, 'object--billboard'], [37, 'object--catch-basin'], [38, 'object--cctv-camera'], [39, 'object--fire-hydrant'],
  [40, 'object--junction-box'], [41, 'object--mailbox'], [42, 'object--manhole'], [43, 'object--phone-booth'],
  [45, 'object--street-light'], [46, 'object--support--pole'], [47, 'object--support--traffic-sign-frame'],
  [48, 'object--support--utility-pole'], [49, 'object--traffic-light'], [50, 'object--traffic-sign--back'],
  [51, 'object--traffic-sign--front'], [52, 'object--trash-can'], [53, 'object--vehicle--bicycle'], [54, 'object--vehicle--boat'],
  [55, 'object--vehicle--bus'], [56, 'object--vehicle--car'], [57, 'object--vehicle--caravan'],
  [58, 'object--vehicle--motorcycle'], [60, 'object--vehicle--other-vehicle'], [61, 'object--vehicle--trailer'],
  [62, 'object--vehicle--truck'], [63, 'object--vehicle--wheeled-slow'],
]));

export default mapillaryInstances37;
