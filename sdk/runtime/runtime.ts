// What a device must offer, and what callers may rely on. It knows nothing of models, heads or labels.
import type { Graph } from '../ir/graph.js';
import type { TensorData } from '../tensor/dtype.js';
import type { ImageFrame } from '../tensor/image-frame.js';

/** `webgpu` on the GPU, `wasm` with SIMD on the CPU, `reference` in plain TypeScript. */
export type RuntimeKind = 'webgpu' | 'wasm' | 'reference';

/** A frame for an `image` input. The pixels are copied (or imported) before `run` returns to the event loop for the first time. */
export interface ImageFeed extends ImageFrame {
  /** Where the whole image lands in the target tensor, in target pixels; may be fractional in width and height, never empty. */
  target: { left: number; top: number; width: number; height: number };
}

/**
 * A frame for an `image` input that a GPU takes without a copy through the CPU: a canvas, ImageBitmap, img or video element, VideoFrame, or a GPUTexture of
 * the device that computes. Only for runtimes with `takesSources`. A texture must stay as it is until the frame is done.
 */
export interface SourceFeed {
  source: object;
  width: number;
  height: number;
  target: ImageFeed['target'];
}

export type Feed = ImageFeed | SourceFeed | TensorData;

export interface RunRequest {
  /**
   * One feed for every graph input (of the base graph and its extension), by value name. They are copied before `run` returns; only a frame that is run
   * again because its GPU was lost reads them a second time.
   */
  feeds: Readonly<Record<string, Feed>>;
  /** Names of the outputs to read back; only these cross from the device. */
  outputs: readonly string[];
  /** Stops between steps; the promise then rejects with `signal.reason` and the executable stays usable. */
  signal?: AbortSignal | undefined;
}

/** Outputs by name. The arrays may be views of device memory: valid only until `consume` returns. Copy what you keep. */
export type Results = Readonly<Record<string, TensorData>>;

/** A graph made ready for one device. All memory and code exist before the first frame; a frame allocates nothing. */
export interface Executable {
  /** Bytes held: constants as packed, the arena for intermediate values, and what else stays (image staging, scratch). */
  readonly memory: { constants: number; arena: number; other: number };
  /** Milliseconds a step in the last `run` with `profile` on compile; empty otherwise. */
  readonly profile: readonly StepTime[];
  /** What was made of each node of this graph (not of its base), in order; for people. Absent where the runtime does not plan. */
  readonly plan?: readonly PlanStep[];
  /**
   * Runs one frame. Calls may overlap: frames run one after another in call order. `consume` is called exactly once, when every named
   * output is complete, in call order, and no later frame changes the results before it returns. Errors of `consume` reject the promise and harm
   * nothing. Throws DisposedError, DeviceError, DeviceLostError where a GPU went away and could not be had again, or `signal.reason`.
   */
  run<T>(request: RunRequest, consume: (results: Results) => T): Promise<T>;
  /**
   * Runs one frame and leaves the named outputs on the GPU, in buffers of their own that the caller destroys. They are complete when the promise
   * resolves. Only where there is a GPU. Throws as `run`.
   */
  keep?(request: RunRequest): Promise<Readonly<Record<string, GpuTensor>>>;
  /**
   * A graph that reads this one's outputs in place (its inputs that carry the name of an output here) and runs behind it in the same
   * submission. The result runs both; it owns only what it adds. Disposing the base disposes it.
   */
  extend(graph: Graph): Promise<Executable>;
  /** Frees everything; idempotent. Frames in flight reject with DisposedError. */
  dispose(): void;
}

/** A tensor in a buffer of a GPU, dense from its start. Usable as storage and as source of copies; `destroy()` frees it. */
export interface GpuTensor {
  /** A GPUBuffer of the device that computed it. */
  readonly buffer: object;
  /** How numbers stand in it: float16 where the detector stores so; uint32 for truth values, one word each. */
  readonly dtype: 'float32' | 'float16' | 'int32' | 'uint32';
  readonly shape: readonly number[];
}

/** A node of the graph as it is run. */
export interface PlanStep {
  /** Name of the node in the model it came from. */
  readonly name: string;
  /** Its operator. */
  readonly op: string;
  /** Shape of its first result. */
  readonly shape: readonly number[];
  /** Kernels that it became, in order, with their workgroups on a GPU; none where no work is left. */
  readonly kernels: readonly { readonly name: string; readonly workgroups?: readonly [number, number, number] }[];
  /** Where the first result lies: number of the arena, and the range in it. `offset` is -1 where it lies elsewhere. */
  readonly memory: { readonly bank: number; readonly offset: number; readonly bytes: number };
}

/** How long one step of a frame took. */
export interface StepTime {
  /** Name of the node in the model it came from. */
  name: string;
  /** Its operator. */
  op: string;
  /** Milliseconds. */
  ms: number;
}

export interface CompileOptions {
  signal?: AbortSignal | undefined;
  /** `done` of `total` steps prepared (weights packed, pipelines built). */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Time every step of every frame; costs a little. */
  profile?: boolean;
}

/** What a GPU says of itself. */
export interface AdapterFacts {
  /** What its driver calls it, as far as the host tells. */
  readonly name: string;
  /** True for one that computes on the CPU: SwiftShader, llvmpipe, WARP. */
  readonly software: boolean;
  /** Features in use that not every device has: `shader-f16`, `subgroups`, `timestamp-query`. */
  readonly features: readonly string[];
  /** Limits that decide what fits, as the device was made: bytes, invocations, bindings. */
  readonly limits: Readonly<Record<string, number>>;
}

/** A device that compiles graphs. */
export interface Runtime {
  /** Which device it is. */
  readonly kind: RuntimeKind;
  /** What a person should know of the device, in one line: `wasm, 2 threads, relaxed SIMD, tile 4x8`. */
  readonly description: string;
  /** The GPU behind it, where there is one. */
  readonly adapter?: AdapterFacts | undefined;
  /** The GPUDevice of now, where there is one. */
  readonly gpuDevice?: object | undefined;
  /** Whether image inputs take a {@link SourceFeed}. */
  readonly takesSources?: boolean | undefined;
  /** What happened on the way that a person should know: a fallback to f32, a device that was lost and opened again. Grows. */
  readonly notes?: readonly string[] | undefined;
  /** Takes a graph whose operators and shapes are already checked. Constants are read, not kept. Throws DeviceError `out-of-memory` with both numbers. */
  compile(graph: Graph, options?: CompileOptions): Promise<Executable>;
  /** Disposes every executable made here and ends its workers; idempotent. */
  dispose(): void;
}
