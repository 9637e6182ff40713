// MobileNetV2-YOLO-Fastest (Pascal VOC, 320 x 320; github.com/dog-qiuqiu/MobileNet-Yolo, darknet weights as ONNX) as labelweave reads it.
import { voc } from 'labelweave/label-spaces/voc';
import { labelsOf } from './labels.mjs';

export const manifest = {
  labelweave: 1,
  name: 'yolo-fastest-v2-voc',
  graph: { format: 'onnx', file: 'yolo-fastest-v2-voc.onnx' },
  input: { name: 'images', height: 320, width: 320, std: [255, 255, 255] },
  heads: [
    {
      dataset: 'voc',
      labels: labelsOf(voc),
      decoder: {
        type: 'yolo',
        outputs: ['head0', 'head1'],
        strides: [32, 16],
        scaleXY: [1.1, 1.05],
        anchors: [[[189, 126], [137, 236], [265, 259]], [[26, 48], [67, 84], [72, 175]]], // prettier-ignore
      },
    },
  ],
  nms: { iouThreshold: 0.45, perClass: true },
};
