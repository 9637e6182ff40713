// SSD-MobileNetV2 (23 labels of Open Images v4, 300 x 300) that stands inside the npm package @mediapipe/objectron (Apache-2.0), as labelweave reads it.
import { openImages601 } from 'labelweave/label-spaces/openimages-601';
import { labelsOf } from './labels.mjs';

const labels = [
  'Bicycle', 'Boot', 'Laptop', 'Person', 'Chair', 'Cattle', 'Desk', 'Cat', 'Computer mouse', 'Computer monitor', 'Box', 'Mug', 'Coffee cup',
  'Stationary bicycle', 'Table', 'Bottle', 'High heels', 'Vehicle', 'Footwear', 'Dog', 'Book', 'Camera', 'Car',
]; // prettier-ignore

/** The TFLite file starts behind the list of labels. */
export const manifest = {
  labelweave: 1,
  name: 'ssd-mobilenetv2-openimages',
  license: 'Apache-2.0',
  graph: { format: 'tflite', file: 'objectron_solution_packed_assets.data', offset: 184 },
  input: {
    name: 'normalized_input_image_tensor',
    height: 300,
    width: 300,
    mean: [127.5, 127.5, 127.5],
    std: [127.5, 127.5, 127.5],
  },
  heads: [
    {
      dataset: 'openimages-601',
      labels: labelsOf(openImages601, labels),
      decoder: {
        type: 'ssd',
        boxes: 'raw_outputs/box_encodings',
        scores: 'raw_outputs/class_predictions',
        anchors: {
          type: 'multi-scale',
          strides: [16, 32, 64, 128, 256, 512],
          minScale: 0.2,
          maxScale: 0.95,
          aspectRatios: [1, 2, 0.5, 3, 0.3333],
        },
      },
    },
  ],
  nms: { iouThreshold: 0.5, perClass: true },
};
