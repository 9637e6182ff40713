// Mapillary Vistas' 65 classes. Data only.
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/**
 * Mapillary Vistas 1.2, 65 labels without `Unlabeled` (Neuhold et al., ICCV 2017). Ids 0 to 64 as in its config.json. The
 * front of a traffic sign has the synonym `Traffic Sign`, the name that UniSeg (Table A-3) gives it.
 */
// prettier-ignore
export const mapillary65 = /* @__PURE__ */ labelSpace('mapillary-65', [
  ...idsFrom(0, [
    'Bird', 'Ground Animal', 'Curb', 'Fence', 'Guard Rail', 'Barrier', 'Wall', 'Bike Lane', 'Crosswalk - Plain', 'Curb Cut',
    'Parking', 'Pedestrian Area', 'Rail Track', 'Road', 'Service Lane', 'Sidewalk', 'Bridge', 'Building', 'Tunnel', 'Person',
    'Bicyclist', 'Motorcyclist', 'Other Rider', 'Lane Marking - Crosswalk', 'Lane Marking - General', 'Mountain', 'Sand', 'Sky',
    'Snow', 'Terrain', 'Vegetation', 'Water', 'Banner', 'Bench', 'Bike Rack', 'Billboard', 'Catch Basin', 'CCTV Camera',
    'Fire Hydrant', 'Junction Box', 'Mailbox', 'Manhole', 'Phone Booth', 'Pothole', 'Street Light', 'Pole', 'Traffic Sign Frame',
    'Utility Pole', 'Traffic Light', 'Traffic Sign (Back)',
  ]),
  { id: 50, name: 'Traffic Sign (Front)', synonyms: ['Traffic Sign'] },
  ...idsFrom(51, [
    'Trash Can', 'Bicycle', 'Boat', 'Bus', 'Car', 'Caravan', 'Motorcycle', 'On Rails', 'Other Vehicle', 'Trailer', 'Truck',
    'Wheeled Slow', 'Car Mount', 'Ego Vehicle',
  ]),
]);

export default mapillary65;
