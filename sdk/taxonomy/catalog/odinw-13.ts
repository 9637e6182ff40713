// Object Detection in the Wild, 13 data sets: 50 classes, one label space a data set. Data only.
import { concatenate } from '../concatenate.js';
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/**
 * ODinW-13: the label spaces of its 13 data sets (Li et al., GLIP, CVPR 2022; ELEVATER, 2022). Names in the order of the
 * data sets' files, ids from 1.
 */
// prettier-ignore
export const odinw13Datasets = /* @__PURE__ */ [
  labelSpace('AerialMaritimeDrone_large', idsFrom(1, [
    'boat', 'car', 'dock', 'jetski', 'lift',
  ])),
  labelSpace('Aquarium_Aquarium_Combined.v2-raw-1024.coco', idsFrom(1, [
    'fish', 'jellyfish', 'penguin', 'puffin', 'shark', 'starfish', 'stingray',
  ])),
  labelSpace('CottontailRabbits', idsFrom(1, [
    'Cottontail-Rabbit',
  ])),
  labelSpace('EgoHands_generic', idsFrom(1, [
    'hand',
  ])),
  labelSpace('NorthAmericaMushrooms_North_American_Mushrooms.v1-416x416.coco', idsFrom(1, [
    'CoW', 'chanterelle',
  ])),
  labelSpace('Packages_Raw', idsFrom(1, [
    'package',
  ])),
  labelSpace('PascalVOC', idsFrom(1, [
    'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow', 'diningtable', 'dog', 'horse',
    'motorbike', 'person', 'pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor',
  ])),
  labelSpace('Raccoon_Raccoon.v2-raw.coco', idsFrom(1, [
    'raccoon',
  ])),
  labelSpace('ShellfishOpenImages_raw', idsFrom(1, [
    'Crab', 'Lobster', 'Shrimp',
  ])),
  labelSpace('VehiclesOpenImages_416x416', idsFrom(1, [
    'Ambulance', 'Bus', 'Car', 'Motorcycle', 'Truck',
  ])),
  labelSpace('pistols_export', idsFrom(1, [
    'pistol',
  ])),
  labelSpace('pothole', idsFrom(1, [
    'pothole',
  ])),
  labelSpace('thermalDogsAndPeople', idsFrom(1, [
    'dog', 'person',
  ])),
] as const;

/** ODinW-13 as one label space, 50 labels: the data sets one after another, nothing merged; ids are `data set/id`. */
export const odinw13 = /* @__PURE__ */ concatenate(odinw13Datasets, 'odinw-13');

export default odinw13;
