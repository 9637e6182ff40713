// Pascal VOC's 20 classes, ids 1 to 20 in alphabetical order, and our synonyms. Data only.
import { labelSpace } from '../label-space.js';

/** Pascal VOC 2007/2012 detection, 20 labels (Everingham et al., IJCV 2010). Ids by alphabetical order; synonyms are ours. */
export const voc = /* @__PURE__ */ labelSpace('voc', [
  { id: 1, name: 'aeroplane', synonyms: ['airplane', 'plane', 'aircraft'] },
  { id: 2, name: 'bicycle', synonyms: ['bike'] },
  { id: 3, name: 'bird' },
  { id: 4, name: 'boat' },
  { id: 5, name: 'bottle' },
  { id: 6, name: 'bus' },
  { id: 7, name: 'car', synonyms: ['automobile'] },
  { id: 8, name: 'cat' },
  { id: 9, name: 'chair' },
  { id: 10, name: 'cow', synonyms: ['cattle'] },
  { id: 11, name: 'diningtable', synonyms: ['dining table'] },
  { id: 12, name: 'dog' },
  { id: 13, name: 'horse' },
  { id: 14, name: 'motorbike', synonyms: ['motorcycle'] },
  { id: 15, name: 'person', synonyms: ['human', 'people'] },
  { id: 16, name: 'pottedplant', synonyms: ['potted plant', 'houseplant'] },
  { id: 17, name: 'sheep' },
  { id: 18, name: 'sofa', synonyms: ['couch', 'settee'] },
  { id: 19, name: 'train' },
  { id: 20, name: 'tvmonitor', synonyms: ['tv', 'television', 'tv monitor'] },
]);

export default voc;
