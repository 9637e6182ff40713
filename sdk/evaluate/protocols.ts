// Which official protocol judges which data set. A list, no code: the evaluators stand in the folders it names.

/** The folder of the evaluator. */
export type Protocol = 'coco' | 'lvis' | 'openimages' | 'voc' | 'panoptic' | 'semantic';

/** How a data set is judged. */
export interface DatasetProtocol {
  /** Which evaluator. */
  readonly protocol: Protocol;
  /** The number that papers give. */
  readonly metric: string;
  /** How to call the evaluator, and what to know of the files. */
  readonly note: string;
}

/**
 * Detection data sets by name, with the metric that their authors set.
 *
 * Objects365 and Mapillary Vistas are judged by COCO's protocol (mean AP over IoU 0.50 to 0.95), so evaluateCoco serves them: Objects365 files are
 * COCO JSON with 365 classes and more flags (`isfake`, `isreflected`) that no metric looks at; Mapillary's polygons or label images have to be
 * written as COCO JSON first.
 */
export const datasetProtocols = {
  coco: { protocol: 'coco', metric: 'AP', note: 'evaluateCoco with iouType bbox or segm.' },
  objects365: { protocol: 'coco', metric: 'AP', note: 'evaluateCoco with iouType bbox. Only `iscrowd` of its flags counts.' },
  mapillary: {
    protocol: 'coco',
    metric: 'AP',
    note: 'evaluateCoco with iouType bbox or segm, on annotations written as COCO JSON.',
  },
  lvis: { protocol: 'lvis', metric: 'AP', note: 'evaluateLvis; 300 detections an image, federated ground truth.' },
  openimages: {
    protocol: 'openimages',
    metric: 'mAP@0.5IOU',
    note: 'evaluateOpenImages with protocol challenge; objects and labels expanded along the hierarchy, detections as the model gives them.',
  },
  voc2007: { protocol: 'voc', metric: 'mAP at IoU 0.5', note: 'evaluateVoc with interpolation eleven-point.' },
  voc2012: { protocol: 'voc', metric: 'mAP at IoU 0.5', note: 'evaluateVoc with interpolation area (also for 2010 and 2011).' },
  'coco-panoptic': { protocol: 'panoptic', metric: 'PQ', note: 'evaluatePanoptic with the JSON and its PNGs.' },
  cityscapes: { protocol: 'semantic', metric: 'mIoU', note: 'SemanticEvaluator with 19 classes, convention cityscapes.' },
} as const satisfies Record<string, DatasetProtocol>;
