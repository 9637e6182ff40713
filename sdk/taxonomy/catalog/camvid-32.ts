// CamVid's 32 classes. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/** CamVid, all 32 labels (Brostow et al., Pattern Recognition Letters 2009). Ids are positions in alphabetical order, 0 to 31. */
// prettier-ignore
export const camvid32 = /* @__PURE__ */ labelSpace('camvid-32', idsFrom(0, [
  'Animal', 'Archway', 'Bicyclist', 'Bridge', 'Building', 'Car', 'CartLuggagePram', 'Child', 'Column_Pole', 'Fence',
  'LaneMkgsDriv', 'LaneMkgsNonDriv', 'Misc_Text', 'MotorcycleScooter', 'OtherMoving', 'ParkingBlock', 'Pedestrian', 'Road',
  'RoadShoulder', 'Sidewalk', 'SignSymbol', 'Sky', 'SUVPickupTruck', 'TrafficCone', 'TrafficLight', 'Train', 'Tree', 'Truck_Bus',
  'Tunnel', 'VegetationMisc', 'Void', 'Wall',
]));

export default camvid32;
