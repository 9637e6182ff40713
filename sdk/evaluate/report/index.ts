// Reports: one plain form for all protocols, written as JSON, CSV, text, a page or arrays; and the analysis of COCO results.
export { analyseCoco, analyseSamples, sliceAp, type Analysis, type AnalysisOptions, type ClassAdvice, type SliceResult } from './analysis.js'; // prettier-ignore
export { bootstrapAp, comparePaired, type BootstrapOptions, type Comparison, type Interval } from './bootstrap.js';
export { compareCoco, type ClassComparison, type CompareOptions, type ModelComparison } from './compare.js';
export { confusionMatrix, type ConfusionOptions } from './confusion.js';
export { reportToHtml, type HtmlOptions } from './html.js';
export { writeNpy } from './npy.js';
export {
  calibrationOf,
  f1Curve,
  outcomesOf,
  weightedAp,
  worstImages,
  type Calibration,
  type ClassOutcomes,
  type F1Curve,
  type ImageMistakes,
  type Outcomes,
  type ThresholdAdvice,
  type WeightedAp,
} from './outcomes.js';
export {
  reportOfCoco,
  reportOfLvis,
  reportOfOpenImages,
  reportOfPanoptic,
  reportOfSemantic,
  reportOfVoc,
  type EvaluationReport,
  type ReportClass,
  type ReportConfusion,
  type ReportCurve,
  type ReportExtras,
  type SemanticReportParts,
} from './report.js';
export { openSamples, sampleOverlaps, type SampleImage, type Samples, type SamplesOptions } from './samples.js';
export { reportToCsv, reportToJson, reportToText } from './text.js';
export { tideErrors, type TideError, type TideResult } from './tide.js';
