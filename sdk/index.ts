// The public surface of labelweave: one explicit list, grouped by what you want to do.

// Detect
export { loadDetector } from './load.js';
export { Detector } from './detector.js';
export type { DetectOptions, LoadOptions, LoadProgress } from './detector.js';
export type { TextEmbeddings } from './heads/embeddings.js';
export type { Ensemble, EnsembleDetectOptions, EnsembleOptions } from './ensemble.js';
export { Detections } from './detections/detections.js';
export type {
  Box,
  CocoResult,
  Detection,
  DetectionsInput,
  DetectionsJSON,
  FromCocoOptions,
  ToCocoOptions,
} from './detections/detections.js';
export { GpuDetections } from './detections/gpu.js';
export type { GpuArray, GpuDetectionsParts } from './detections/gpu.js';
export { FusedDetections } from './detections/fused.js';
export type { DatasetLabel, FusedDetection, FusedDetectionsInput, FusedDetectionsJSON, Support } from './detections/fused.js';

// Show
export { drawDetections, labelColor } from './detections/draw.js';
export type { CanvasDrawOptions, Drawable, DrawingContext, DrawOptions } from './detections/draw.js';

// Labels of your choice (more in `labelweave/taxonomy`; known label spaces in `labelweave/label-spaces/*`)
export { grouping } from './taxonomy/grouping.js';
export type { Grouping, GroupingOptions, GroupingSpec, Groups } from './taxonomy/grouping.js';
export { labelSpace } from './taxonomy/label-space.js';
export type { Label, LabelId, LabelInput, LabelSpace } from './taxonomy/label-space.js';
export { parseLabelFile, parseLabelSpec } from './taxonomy/parse.js';
export type { GroupsOf, LabelListSpec, LabelsSpec } from './taxonomy/resolve.js';
export type { LabelMapper } from './taxonomy/mapper.js';
export type { Combine } from './taxonomy/mapping.js';
export { reprojected } from './unify/reproject.js';

// Images
export { toFrame } from './image/frame.js';
export type { Fit, FrameOptions, ImageFrame, ImageInput } from './image/frame.js';

// Models
export { openModel } from './graph/model.js';
export type { ModelFiles, ModelSource } from './graph/model.js';
export type { Manifest } from './graph/manifest.js';
export { isModelFile, openModelFile } from './graph/model-file.js';
export type { ModelFileInfo, ModelPort, OpenModelFileOptions } from './graph/model-file.js';
export { countMacs, nodeCost } from './ir/macs.js';
export type { NodeCost } from './ir/macs.js';
export type { Graph, Node, Value } from './ir/graph.js';

// Devices
export { chooseRuntime } from './runtime/choose.js';
export type { DeviceChoice, DeviceReport } from './runtime/choose.js';
export type { AdapterFacts, Executable, PlanStep, Runtime, RuntimeKind, StepTime } from './runtime/runtime.js';

// Hosts
export type { ByteStore } from './platform-types.js';

// Postprocess, for boxes from elsewhere
export { nms } from './postprocess/nms.js';
export type { NmsOptions } from './postprocess/nms.js';
export type { FusionOptions } from './postprocess/fuse.js';

// Errors
export {
  ArgumentError, DeviceError, DeviceLostError, DisposedError, ImageError, InternalError, LabelSpaceError, LabelweaveError, LoadError, ModelError,
} from './errors.js'; // prettier-ignore
export type { ErrorCode } from './errors.js';
