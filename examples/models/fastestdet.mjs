// FastestDet (COCO, 352 x 352; github.com/dog-qiuqiu/FastestDet, BSD-3-Clause) as labelweave reads it: the manifest for FastestDet.onnx.
import { coco } from 'labelweave/label-spaces/coco';
import { labelsOf } from './labels.mjs';

export const manifest = {
  labelweave: 1,
  name: 'fastestdet',
  license: 'BSD-3-Clause',
  graph: { format: 'onnx', file: 'FastestDet.onnx' },
  input: { name: 'input.1', height: 352, width: 352, order: 'BGR', std: [255, 255, 255] },
  heads: [{ dataset: 'coco', labels: labelsOf(coco), decoder: { type: 'fastestdet', outputs: '758', strides: [16] } }],
  nms: { iouThreshold: 0.45, perClass: true },
};
