// YoloFace 500k (WIDER FACE, 352 x 288; github.com/dog-qiuqiu/MobileNet-Yolo, darknet weights as ONNX) as labelweave reads it.
export const manifest = {
  labelweave: 1,
  name: 'yoloface-500k-v2',
  graph: { format: 'onnx', file: 'yoloface-500k-v2-widerface.onnx' },
  input: { name: 'images', height: 288, width: 352, std: [255, 255, 255] },
  heads: [
    {
      dataset: 'wider-face',
      labels: [{ id: 1, name: 'face' }],
      decoder: {
        type: 'yolo',
        outputs: ['head0', 'head1', 'head2'],
        strides: [32, 16, 8],
        anchors: [[[47, 60], [83, 97], [141, 149]], [[16, 24], [33, 25], [26, 41]], [[4, 6], [7, 10], [11, 15]]], // prettier-ignore
      },
    },
  ],
  nms: { iouThreshold: 0.45, perClass: true },
};
