// What is said of a TF.js model that comes without a manifest of ours.
import { ModelError } from '../../errors.js';

/** The smallest manifest for a TF.js model, to show in messages. */
export const manifestExample = `{ "labelweave": 1, "name": "my-model", "graph": { "format": "tfjs", "file": "model.json" }, "input": { "name": "images", "height": 512, "width": 512 }, "heads": [ { "dataset": "coco", "labels": [{ "id": 1, "name": "person" }], "decoder": { "type": "centernet", "heatmap": "keypoints", "from": "probability", "size": "wh", "stride": 4, "window": 3 } } ] }`;

/** The error, to be thrown. */
export function needsManifest(thing: string): ModelError {
  return new ModelError('invalid-model', {
    thing: `file "${thing}"`,
    found: 'a TF.js model without a manifest',
    wanted: 'a labelweave.json that says what goes in and what the results mean',
    next: `Put one beside it and give its folder, for example ${manifestExample}`,
  });
}
