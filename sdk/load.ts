// Loads detectors: one model gives a Detector, several give an Ensemble. What they do is in detector.ts and ensemble.ts.
import { Detector, type LoadOptions } from './detector.js';
import type { Ensemble, EnsembleOptions } from './ensemble.js';
import type { ModelSource } from './graph/model.js';

/**
 * Loads a model and makes it ready to detect.
 *
 * @param model A model package: the default export of `labelweave/models/...`, the folder or URL of one, or its files.
 * @throws ModelError, LoadError, LabelSpaceError, DeviceError, ArgumentError, or `signal.reason`.
 */
export function loadDetector<const L extends string = string>(model: ModelSource, options?: LoadOptions<L>): Promise<Detector<L>>;
/**
 * Loads several models as one detector: each answers in the wanted label space (a taxonomy, or any list of labels), and boxes on one object become
 * one detection that says what supports it. Without `labels`, every label of every data set stands for itself.
 *
 * @throws as for one model.
 */
export function loadDetector<const L extends string = string>(
  models: readonly ModelSource[],
  options?: EnsembleOptions<L>,
): Promise<Ensemble<L>>;
export async function loadDetector<const L extends string = string>(
  source: ModelSource | readonly ModelSource[],
  options: EnsembleOptions<L> = {},
): Promise<Detector<L> | Ensemble<L>> {
  if (!Array.isArray(source)) return Detector.load(source as ModelSource, options);
  // Most pages load one model: what several need comes when asked for.
  const { Ensemble } = await import('./ensemble.js');
  return Ensemble.load(source as readonly ModelSource[], options);
}
