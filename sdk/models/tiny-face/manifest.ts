// Manifest of the tiny face detector of face-api. Data only; the recipe makes the files it names.
import type { ManifestInput } from '../../graph/manifest.js';

/** Side of a cell in input pixels. face-api counts anchors in cells. */
const CELL = 32;

const anchors = [
  [1.603231, 2.094468],
  [6.041143, 7.080126],
  [2.882459, 3.518061],
  [4.266906, 5.178857],
  [9.041765, 10.66308],
].map(([w, h]) => [w! * CELL, h! * CELL]);

/** Input: RGB 0..255 at 416 x 416, mean subtracted, divided by 255. face-api scales the longer side and pads behind; here the picture is centred. */
export const manifest: Omit<ManifestInput, 'graph'> = {
  labelweave: 1,
  name: 'tiny-face',
  description:
    'Tiny YOLOv2 with separable convolutions, one label (face), 416 x 416, 0.2 million weights stored as float16. Trained by its author on some 14,000 pictures; the label space is that of WIDER FACE.',
  origin:
    'npm @vladmandic/face-api, model/tiny_face_detector_model (https://github.com/vladmandic/face-api), from https://github.com/justadudewhohacks/face-api.js',
  license: 'MIT',
  copyright: 'Copyright (c) Vladimir Mandic; Copyright (c) 2018 Vincent Mühler',
  input: {
    name: 'images',
    height: 416,
    width: 416,
    order: 'RGB',
    mean: [117.001, 114.697, 97.404],
    std: [255, 255, 255],
    fit: 'letterbox',
    padValue: 0,
  },
  heads: [
    {
      dataset: 'wider-face',
      labels: [{ id: 1, name: 'face', synonyms: ['human face'] }],
      decoder: { type: 'yolo', outputs: ['boxes'], strides: [CELL], anchors: [anchors], classScores: false },
    },
  ],
  nms: { iouThreshold: 0.4, perClass: true },
};
