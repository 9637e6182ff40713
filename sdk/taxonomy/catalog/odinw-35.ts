// Object Detection in the Wild, 35 data sets: 342 classes, one label space a data set. Data only.
import { concatenate } from '../concatenate.js';
import { labelSpace } from '../label-space.js';
import { idsFrom } from '../rows.js';

/**
 * ODinW-35: the label spaces of its 35 data sets (Li et al., GLIP, CVPR 2022; ELEVATER, 2022). In the order of the
 * data sets' files, ids from 1. ChessPieces has a class whose name is two spaces in its files: here it is `(blank)`.
 */
// prettier-ignore
export const odinw35Datasets = /* @__PURE__ */ [
  labelSpace('AerialMaritimeDrone_large', idsFrom(1, [
    'boat', 'car', 'dock', 'jetski', 'lift',
  ])),
  labelSpace('AerialMaritimeDrone_tiled', idsFrom(1, [
    'boat', 'car', 'dock', 'jetski', 'lift',
  ])),
  labelSpace('AmericanSignLanguageLetters_American_Sign_Language_Letters.v1-v1.coco', idsFrom(1, [
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y',
    'Z',
  ])),
  labelSpace('Aquarium_Aquarium_Combined.v2-raw-1024.coco', idsFrom(1, [
    'fish', 'jellyfish', 'penguin', 'puffin', 'shark', 'starfish', 'stingray',
  ])),
  labelSpace('BCCD_BCCD.v3-raw.coco', idsFrom(1, [
    'Platelets', 'RBC', 'WBC',
  ])),
  labelSpace('ChessPieces_Chess_Pieces.v23-raw.coco', idsFrom(1, [
    '(blank)', 'black bishop', 'black king', 'black knight', 'black pawn', 'black queen', 'black rook', 'white bishop', 'white king',
    'white knight', 'white pawn', 'white queen', 'white rook',
  ])),
  labelSpace('CottontailRabbits', idsFrom(1, [
    'rabbit',
  ])),
  labelSpace('DroneControl_Drone_Control.v3-raw.coco', idsFrom(1, [
    'follow', 'follow_hand', 'land', 'land_hand', 'null', 'object', 'takeoff', 'takeoff-hand',
  ])),
  labelSpace('EgoHands_generic', idsFrom(1, [
    'hand',
  ])),
  labelSpace('EgoHands_specific', idsFrom(1, [
    'myleft', 'myright', 'yourleft', 'yourright',
  ])),
  labelSpace('HardHatWorkers_raw', idsFrom(1, [
    'head', 'helmet', 'person',
  ])),
  labelSpace('MaskWearing_raw', idsFrom(1, [
    'mask', 'no-mask',
  ])),
  labelSpace('MountainDewCommercial', idsFrom(1, [
    'bottle',
  ])),
  labelSpace('OxfordPets_by-breed', idsFrom(1, [
    'cat-Abyssinian', 'cat-Bengal', 'cat-Birman', 'cat-Bombay', 'cat-British_Shorthair', 'cat-Egyptian_Mau', 'cat-Maine_Coon',
    'cat-Persian', 'cat-Ragdoll', 'cat-Russian_Blue', 'cat-Siamese', 'cat-Sphynx', 'dog-american_bulldog',
    'dog-american_pit_bull_terrier', 'dog-basset_hound', 'dog-beagle', 'dog-boxer', 'dog-chihuahua', 'dog-english_cocker_spaniel',
    'dog-english_setter', 'dog-german_shorthaired', 'dog-great_pyrenees', 'dog-havanese', 'dog-japanese_chin', 'dog-keeshond',
    'dog-leonberger', 'dog-miniature_pinscher', 'dog-newfoundland', 'dog-pomeranian', 'dog-pug', 'dog-saint_bernard',
    'dog-samoyed', 'dog-scottish_terrier', 'dog-shiba_inu', 'dog-staffordshire_bull_terrier', 'dog-wheaten_terrier',
    'dog-yorkshire_terrier',
  ])),
  labelSpace('OxfordPets_by-species', idsFrom(1, [
    'cat', 'dog',
  ])),
  labelSpace('PKLot_640', idsFrom(1, [
    'space-empty', 'space-occupied',
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
  labelSpace('ThermalCheetah', idsFrom(1, [
    'cheetah', 'human',
  ])),
  labelSpace('UnoCards_raw', idsFrom(1, [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14',
  ])),
  labelSpace('VehiclesOpenImages_416x416', idsFrom(1, [
    'Ambulance', 'Bus', 'Car', 'Motorcycle', 'Truck',
  ])),
  labelSpace('WildfireSmoke', idsFrom(1, [
    'smoke',
  ])),
  labelSpace('boggleBoards_416x416AutoOrient_export_', idsFrom(1, [
    'Q', 'a', 'an', 'b', 'c', 'd', 'e', 'er', 'f', 'g', 'h', 'he', 'i', 'in', 'j', 'k', 'l', 'm', 'n', 'o', 'o ', 'p', 'q', 'qu',
    'r', 's', 't', 't\\', 'th', 'u', 'v', 'w', 'wild', 'x', 'y', 'z',
  ])),
  labelSpace('brackishUnderwater_960x540', idsFrom(1, [
    'crab', 'fish', 'jellyfish', 'shrimp', 'small_fish', 'starfish',
  ])),
  labelSpace('dice_mediumColor_export', idsFrom(1, [
    '1', '2', '3', '4', '5', '6',
  ])),
  labelSpace('openPoetryVision_512x512', idsFrom(1, [
    'American Typewriter', 'Andale Mono', 'Apple Chancery', 'Arial', 'Avenir', 'Baskerville', 'Big Caslon', 'Bradley Hand',
    'Brush Script MT', 'Chalkboard', 'Comic Sans MS', 'Copperplate', 'Courier', 'Didot', 'Futura', 'Geneva', 'Georgia',
    'Gill Sans', 'Helvetica', 'Herculanum', 'Impact', 'Kefa', 'Lucida Grande', 'Luminari', 'Marker Felt', 'Menlo', 'Monaco',
    'Noteworthy', 'Optima', 'PT Sans', 'PT Serif', 'Palatino', 'Papyrus', 'Phosphate', 'Rockwell', 'SF Pro', 'SignPainter',
    'Skia', 'Snell Roundhand', 'Tahoma', 'Times New Roman', 'Trebuchet MS', 'Verdana',
  ])),
  labelSpace('pistols_export', idsFrom(1, [
    'pistol',
  ])),
  labelSpace('plantdoc_100x100', idsFrom(1, [
    'Apple Scab Leaf', 'Apple leaf', 'Apple rust leaf', 'Bell_pepper leaf', 'Bell_pepper leaf spot', 'Blueberry leaf',
    'Cherry leaf', 'Corn Gray leaf spot', 'Corn leaf blight', 'Corn rust leaf', 'Peach leaf', 'Potato leaf',
    'Potato leaf early blight', 'Potato leaf late blight', 'Raspberry leaf', 'Soyabean leaf', 'Soybean leaf',
    'Squash Powdery mildew leaf', 'Strawberry leaf', 'Tomato Early blight leaf', 'Tomato Septoria leaf spot', 'Tomato leaf',
    'Tomato leaf bacterial spot', 'Tomato leaf late blight', 'Tomato leaf mosaic virus', 'Tomato leaf yellow virus',
    'Tomato mold leaf', 'Tomato two spotted spider mites leaf', 'grape leaf', 'grape leaf black rot',
  ])),
  labelSpace('plantdoc_416x416', idsFrom(1, [
    'Apple Scab Leaf', 'Apple leaf', 'Apple rust leaf', 'Bell_pepper leaf', 'Bell_pepper leaf spot', 'Blueberry leaf',
    'Cherry leaf', 'Corn Gray leaf spot', 'Corn leaf blight', 'Corn rust leaf', 'Peach leaf', 'Potato leaf',
    'Potato leaf early blight', 'Potato leaf late blight', 'Raspberry leaf', 'Soyabean leaf', 'Soybean leaf',
    'Squash Powdery mildew leaf', 'Strawberry leaf', 'Tomato Early blight leaf', 'Tomato Septoria leaf spot', 'Tomato leaf',
    'Tomato leaf bacterial spot', 'Tomato leaf late blight', 'Tomato leaf mosaic virus', 'Tomato leaf yellow virus',
    'Tomato mold leaf', 'Tomato two spotted spider mites leaf', 'grape leaf', 'grape leaf black rot',
  ])),
  labelSpace('pothole', idsFrom(1, [
    'pothole',
  ])),
  labelSpace('selfdrivingCar_fixedLarge_export_', idsFrom(1, [
    'biker', 'car', 'pedestrian', 'trafficLight', 'trafficLight-Green', 'trafficLight-GreenLeft', 'trafficLight-Red',
    'trafficLight-RedLeft', 'trafficLight-Yellow', 'trafficLight-YellowLeft', 'truck',
  ])),
  labelSpace('thermalDogsAndPeople', idsFrom(1, [
    'dog', 'person',
  ])),
  labelSpace('websiteScreenshots', idsFrom(1, [
    'button', 'field', 'heading', 'iframe', 'image', 'label', 'link', 'text',
  ])),
] as const;

/** ODinW-35 as one label space, 342 labels: the data sets one after another, nothing merged; ids are `data set/id`. */
export const odinw35 = /* @__PURE__ */ concatenate(odinw35Datasets, 'odinw-35');

export default odinw35;
