// Yolo-Fastest 1.1 (COCO, 320 x 320; github.com/dog-qiuqiu/Yolo-Fastest, darknet weights as ONNX) as labelweave reads it.
import { coco } from 'labelweave/label-spaces/coco';
import { labelsOf } from './labels.mjs';

export const manifest = {
  labelweave: 1,
  name: 'yolo-fastest-1.1-coco',
  graph: { format: 'onnx', file: 'yolo-fastest-1.1-coco.onnx' },
  input: { name: 'images', height: 320, width: 320, std: [255, 255, 255] },
  heads: [
    {
      dataset: 'coco',
      labels: labelsOf(coco),
      decoder: {
        type: 'yolo',
        outputs: ['head0', 'head1'],
        strides: [32, 16],
        anchors: [[[115, 73], [119, 199], [242, 238]], [[12, 18], [37, 49], [52, 132]]], // prettier-ignore
      },
    },
  ],
  nms: { iouThreshold: 0.45, perClass: true },
};
