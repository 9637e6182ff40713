// Stage 2, the graph: model files -> IR -> a smaller IR. What other rooms may import from here; runtimes run the result.
export {
  openModel,
  type ModelFiles,
  type ModelProgress,
  type ModelSource,
  type OpenedModel,
  type OpenModelOptions,
} from './model.js';
export { headValues, parseManifest, type Decoder, type Manifest, type ManifestHead, type ManifestInput } from './manifest.js';
export { optimizeGraph } from './optimize/index.js';
export { pruneTo } from './outputs.js';
export { readPackageGraph, writePackage } from './package.js';
export { IMAGE_INPUT, withImageInput } from './image-input.js';
export { readSafetensors, writeSafetensors, type Tensor } from './safetensors.js';
export { importOnnx, type OnnxImportOptions } from './onnx/import.js';
export { readOnnxModel, type OnnxModel } from './onnx/model.js';
export { readTfjsModel } from './tfjs/format.js';
export { importTfjs, type TfjsImportOptions } from './tfjs/import.js';
export { readTfjsWeights } from './tfjs/weights.js';
