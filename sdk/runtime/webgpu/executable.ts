// A compiled graph on a GPU: buffers, bind groups, and one pass and one submission a frame. Lowering and placing are not here.
import { ArgumentError, describe, DisposedError, InternalError } from '../../errors.js';
import type { Graph, ValueId } from '../../ir/graph.js';
import type { TensorData } from '../../tensor/dtype.js';
import { formatShape, shapesEqual } from '../../tensor/shape.js';
import { checkFeed, copyFeeds } from '../feeds.js';
import type { SharedBank } from '../memory-plan.js';
import { pause } from '../pause.js';
import type { CompileOptions, Executable, GpuTensor, PlanStep, Results, RunRequest, StepTime } from '../runtime.js';
import { uploadConstants } from './constants.js';
import { MAP_READ, Usage, type Gpu, type Program } from './gpu.js';
import { ImageSlot } from './image.js';
import { layOut, lowerContext, lowerGraph, type Bound, type Layout } from './layout.js';
import type { Scalar } from './kernels.js';
import { wideValues } from './lower/index.js';
import { Profiler, timeApart, type StepName } from './profile.js';
import type { Tuning } from './tune.js';
import { Turns, type Slot } from './turns.js';
import { bytesOf, numbersOf, tensorOf, write, writeInput, type Input, type Output, type Place } from './values.js';

/** Longest time in ms that compilation keeps the event loop. */
const SLICE_MS = 12;

/** What executables need of the runtime that made them. */
export interface Host {
  readonly gpu: Gpu;
  readonly tuning: Tuning;
  /** Most bytes for intermediate values and for constants of one graph. */
  readonly memoryLimit: number;
}

/** One dispatch, ready to encode. */
interface Step {
  readonly node: number;
  readonly workgroups: readonly [number, number, number];
  readonly bound: readonly Bound[];
  readonly program: Program;
  /** For frames that are textures. */
  readonly textured: Program | undefined;
  group: GPUBindGroup | undefined;
  /** Reads pixels: its bind group is made again when their buffer grows. */
  readonly image: ImageSlot | undefined;
}

export class WebGpuExecutable implements Executable {
  readonly scalar: Scalar;
  readonly #host: Host;
  readonly #options: CompileOptions;
  readonly #base: WebGpuExecutable | undefined;
  readonly #turns: Turns;
  readonly #children = new Set<WebGpuExecutable>();
  readonly #inputs = new Map<string, Input>();
  readonly #images = new Map<string, ImageSlot>();
  readonly #outputs = new Map<string, Output>();
  readonly #buffers: GPUBuffer[] = [];
  readonly #layout: Layout;
  #steps: Step[] = [];
  /** Buffers of intermediate values by number of their bank, those of the base first. */
  #banks: GPUBuffer[] = [];
  #sizes = { constants: 0, arena: 0, other: 0 };
  #profile: readonly StepTime[] = [];
  #profiler: Profiler | undefined;
  /** The device has judged a whole frame. */
  #proved = false;
  #disposed = false;

  private constructor(host: Host, options: CompileOptions, base: WebGpuExecutable | undefined, layout: Layout) {
    this.#host = host;
    this.#options = options;
    this.#base = base;
    this.#layout = layout;
    this.scalar = layout.scalar;
    this.#turns = base ? base.#turns : new Turns(host.gpu, options.profile ? 1 : 2);
  }

  /** Lowers, places, uploads and compiles; gives way to the event loop on the way. */
  static async make(
    host: Host,
    graph: Graph,
    scalar: Scalar,
    options: CompileOptions,
    base?: WebGpuExecutable,
  ): Promise<WebGpuExecutable> {
    const { gpu } = host;
    gpu.alive();
    const linked = base ? base.#link(graph) : new Map<ValueId, Place>();
    const { signal, onProgress } = options;
    let resumed = performance.now();
    const breathe = (): Promise<void> | undefined => {
      signal?.throwIfAborted();
      if (performance.now() - resumed < SLICE_MS) return undefined;
      return pause().then(() => void (resumed = performance.now()));
    };
    const context = lowerContext(gpu, graph, scalar, host.tuning);
    const lowered = await lowerGraph(context, breathe);
    const layout = layOut(gpu, context, lowered, new Set(linked.keys()), base ? base.#shareable(linked) : [], host.memoryLimit);
    const executable = new WebGpuExecutable(host, options, base, layout);
    const total = layout.constants.size + layout.dispatches.length;
    let done = 0;
    const step = (): void => onProgress?.(++done, total);
    try {
      // Pipelines compile in the driver's threads while constants are packed and uploaded here.
      const programs = Promise.all(
        layout.dispatches.map(async ({ dispatch }) => {
          const { kernel, textureKernel, overrides } = dispatch;
          const program = await gpu.program({ kernel, scalar, overrides });
          const textured = textureKernel && (await gpu.program({ kernel: textureKernel, scalar, overrides }));
          if (!signal?.aborted) step();
          return { program, textured };
        }),
      );
      programs.catch(() => undefined);
      const constants = await uploadConstants(gpu, layout.constants, {
        memoryLimit: host.memoryLimit,
        buffer: (size) => executable.#buffer('constants', size, Usage.storage | Usage.copyTarget | Usage.copySource),
        step,
        breathe,
      });
      executable.#sizes.constants = constants.bytes;
      const banks = await gpu.checked('memory for a graph', () => executable.#allocate());
      const made = await abortable(programs, signal);
      await gpu.checked('bind groups', () => executable.#assemble(made, banks, constants.places, linked));
      signal?.throwIfAborted();
    } catch (error) {
      executable.#free();
      throw error;
    }
    if (total === 0) onProgress?.(0, 0);
    return executable;
  }

  get memory(): { constants: number; arena: number; other: number } {
    let images = 0;
    for (const image of this.#images.values()) images += image.bytes;
    return { ...this.#sizes, other: this.#sizes.other + images + (this.#base ? 0 : this.#turns.bytes) };
  }

  get profile(): readonly StepTime[] {
    return this.#profile;
  }

  async run<T>(request: RunRequest, consume: (results: Results) => T): Promise<T> {
    return this.#start(request, (slot, feeds) => this.#frame(slot, request, feeds, consume));
  }

  async keep(request: RunRequest): Promise<Record<string, GpuTensor>> {
    return this.#start(request, (slot, feeds) => this.#keptFrame(slot, request, feeds));
  }

  /** Checks a request, waits for its turn, and runs it. */
  #start<T>(request: RunRequest, frame: (slot: Slot, feeds: RunRequest['feeds']) => Promise<T>): Promise<T> {
    this.#alive();
    const { signal } = request;
    signal?.throwIfAborted();
    for (const name of request.outputs) {
      if (!this.#find(name)) {
        const wanted = `names of ${this.#outputNames().join(', ')}`;
        throw new ArgumentError({ thing: 'run: outputs', found: describe(name), wanted });
      }
    }
    this.#checkFeeds(request.feeds);
    this.#host.gpu.alive();
    // A frame that waits keeps copies of its feeds; one that runs at once writes them to the device before it returns.
    const held: GPUTexture[] = [];
    const feeds = this.#turns.full ? this.#hold(copyFeeds(request.feeds), held) : request.feeds;
    const slot = this.#turns.enter();
    const result = slot instanceof Promise ? slot.then((own) => frame(own, feeds)) : frame(slot, feeds);
    if (held.length > 0) {
      const free = (): void => held.forEach((texture) => texture.destroy());
      result.then(free, free);
    }
    return abortable(result, signal);
  }

  async extend(graph: Graph): Promise<WebGpuExecutable> {
    this.#alive();
    const { signal: _, onProgress: __, ...options } = this.#options;
    const child = await WebGpuExecutable.make(this.#host, graph, this.scalar, options, this);
    if (this.#disposed) {
      child.dispose();
      this.#alive();
    }
    this.#children.add(child);
    return child;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const child of [...this.#children]) child.dispose();
    this.#free();
    if (this.#base) this.#base.#children.delete(this);
    else this.#turns.dispose();
  }

  get plan(): PlanStep[] {
    const { graph, plan, dispatches, bytes } = this.#layout;
    const kernels = graph.nodes.map((): PlanStep['kernels'][number][] => []);
    for (const { node, dispatch } of dispatches) kernels[node]!.push({ name: dispatch.kernel, workgroups: dispatch.workgroups });
    return graph.nodes.map(({ name, op, outputs: [id] }, i): PlanStep => {
      const memory = { bank: plan.banks[id!]!, offset: plan.offsets[id!]!, bytes: bytes(id!) };
      return { name, op, shape: graph.values[id!]!.shape, kernels: kernels[i]!, memory };
    });
  }

  #alive(): void {
    if (this.#disposed) throw new DisposedError('webgpu executable');
  }

  /** Frames that are submitted still run: the device keeps destroyed buffers until then. */
  #free(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    for (const image of this.#images.values()) image.release();
    this.#profiler?.dispose();
    this.#buffers.length = 0;
    this.#steps = [];
  }

  // Names. Those of a base count too.

  #find(name: string): Output | undefined {
    return this.#outputs.get(name) ?? (this.#base ? this.#base.#find(name) : undefined);
  }

  #outputNames(): string[] {
    return [...(this.#base ? this.#base.#outputNames() : []), ...this.#outputs.keys()];
  }

  #inputNames(): string[] {
    return [...(this.#base ? this.#base.#inputNames() : []), ...this.#inputs.keys(), ...this.#images.keys()];
  }

  /** Inputs of an extension that are outputs here. */
  #link(graph: Graph): Map<ValueId, Place> {
    const linked = new Map<ValueId, Place>();
    const wide = wideValues(graph);
    for (const id of graph.inputs) {
      const value = graph.values[id]!;
      const output = this.#find(value.name);
      if (!output) continue;
      if (value.image || output.value.dtype !== value.dtype || !shapesEqual(output.value.shape, value.shape)) {
        throw new ArgumentError({
          thing: `extension input "${value.name}"`,
          found: value.image ? 'an image' : `${value.dtype} ${formatShape(value.shape)}`,
          wanted: `${output.value.dtype} ${formatShape(output.value.shape)}, as the base graph's output`,
        });
      }
      const wanted = this.scalar === 'f16' && wide.has(id) ? 'f32' : this.scalar;
      if (value.dtype === 'float32' && output.place && output.scalar !== wanted) {
        throw new InternalError(
          `extension input "${value.name}"`,
          `a value stored as ${output.scalar}`,
          `${wanted}, as the extension reads it`,
        );
      }
      if (output.place) linked.set(id, output.place);
    }
    return linked;
  }

  // Making.

  #buffer(label: string, size: number, usage: number): GPUBuffer {
    const buffer = this.#host.gpu.device.createBuffer({ label, size, usage });
    this.#buffers.push(buffer);
    return buffer;
  }

  /** Makes the buffers of intermediate values, behind those of the base. */
  #allocate(): GPUBuffer[] {
    const { sizes, size } = this.#layout.plan;
    this.#sizes.arena = size;
    const usage = Usage.storage | Usage.copySource | Usage.copyTarget;
    const shared = this.#base ? this.#base.#banks : [];
    this.#banks = sizes.map((bytes, i) => shared[i] ?? this.#buffer(`values ${i}`, Math.max(16, bytes), usage));
    return this.#banks;
  }

  /** The memory of this program as an extension may use it: its steps are done by then, and only what can be read must stay. */
  #shareable(linked: ReadonlyMap<ValueId, Place>): SharedBank[] {
    const ids = new Map([...linked].map(([id, place]) => [place, id]));
    const outputs = this.#allOutputs();
    return this.#banks.map((buffer) => ({
      size: buffer.size,
      taken: outputs.flatMap(({ place }) =>
        place?.buffer === buffer ? [{ offset: place.offset, bytes: place.size, id: ids.get(place) }] : [],
      ),
    }));
  }

  #allOutputs(): Output[] {
    return [...(this.#base ? this.#base.#allOutputs() : []), ...this.#outputs.values()];
  }

  /** Uniform blocks, inputs, outputs, bind groups. */
  #assemble(
    programs: readonly Pick<Step, 'program' | 'textured'>[],
    banks: readonly GPUBuffer[],
    constants: ReadonlyMap<string, Place>,
    linked: ReadonlyMap<ValueId, Place>,
  ): void {
    const { gpu } = this.#host;
    const { graph, plan, dispatches, uniforms, bytes: bytesOf } = this.#layout;
    const placeOf = (id: ValueId, size = bytesOf(id)): Place => {
      const root = plan.roots[id]!;
      const place = linked.get(root);
      if (place) return { ...place, size };
      return { buffer: banks[plan.banks[root]!]!, offset: plan.offsets[root]!, size };
    };

    const scalarOf = (id: ValueId): Scalar => (this.#layout.wide(id) ? 'f32' : this.scalar);
    const alignment = gpu.device.limits.minUniformBufferOffsetAlignment;
    const images = graph.inputs.filter((id) => graph.values[id]!.image);
    const starts: number[] = [];
    let end = images.length * alignment;
    for (const block of uniforms) {
      starts.push(end);
      end += Math.ceil(block.length / alignment) * alignment;
    }
    let uniform: GPUBuffer | undefined;
    if (end > 0) {
      uniform = this.#buffer('uniforms', end, Usage.uniform | Usage.copyTarget);
      const all = new Uint8Array(end);
      for (const [i, block] of uniforms.entries()) all.set(block, starts[i]!);
      write(gpu, uniform, 0, all);
      this.#sizes.other += end;
    }
    const slots = new Map<ValueId, ImageSlot>();
    for (const [i, id] of images.entries()) {
      const slot = new ImageSlot(gpu, graph.values[id]!, uniform!, i * alignment);
      slots.set(id, slot);
      this.#images.set(slot.value.name, slot);
    }
    for (const id of graph.inputs) {
      const value = graph.values[id]!;
      if (linked.has(id) || value.image || (this.#base && this.#base.#find(value.name))) continue;
      this.#inputs.set(value.name, { value, place: placeOf(id), scalar: scalarOf(id), stored: undefined });
    }
    for (const id of graph.outputs) {
      const value = graph.values[id]!;
      const { constant } = graph.values[plan.roots[id]!]!;
      const place = constant ? undefined : placeOf(id);
      this.#outputs.set(value.name, {
        value,
        place,
        constant: constant?.values,
        scalar: scalarOf(plan.roots[id]!),
        widened: undefined,
      });
    }
    this.#steps = dispatches.map(({ dispatch, node, bound }, i): Step => {
      const image = bound.flatMap((to) => (to.kind === 'image' ? [slots.get(to.value)!] : []))[0];
      return { node, bound, image, ...programs[i]!, workgroups: dispatch.workgroups, group: undefined };
    });
    const resourceOf = (to: Bound): GPUBindingResource => {
      if (to.kind === 'uniform') return { buffer: uniform!, offset: starts[to.block]!, size: uniforms[to.block]!.length };
      if (to.kind === 'frame') return slots.get(to.value)!.frame;
      if (to.kind === 'image') return slots.get(to.value)!.pixels;
      const place = to.kind === 'constant' ? constants.get(to.key)! : placeOf(to.id, to.bytes);
      return { buffer: place.buffer, offset: place.offset, size: place.size };
    };
    this.#resourceOf = resourceOf;
    for (const step of this.#steps) if (!step.image) step.group = this.#bind(step);
  }

  #resourceOf: (to: Bound) => GPUBindingResource = () => {
    throw new DisposedError('webgpu executable');
  };

  #bind(step: Step): GPUBindGroup {
    return this.#host.gpu.device.createBindGroup({
      layout: programOf(step).layout,
      entries: step.bound.map((to, binding) => ({ binding, resource: this.#resourceOf(to) })),
    });
  }

  // Running.

  #checkFeeds(feeds: RunRequest['feeds']): void {
    for (const name in feeds) {
      if (!this.#hasInput(name)) {
        const names = this.#inputNames();
        const wanted = names.length ? `names of ${names.join(', ')}` : 'none';
        throw new ArgumentError({ thing: 'run: feeds', found: describe(name), wanted });
      }
    }
    this.#checkOwnFeeds(feeds);
  }

  #hasInput(name: string): boolean {
    return this.#inputs.has(name) || this.#images.has(name) || (this.#base ? this.#base.#hasInput(name) : false);
  }

  #checkOwnFeeds(feeds: RunRequest['feeds']): void {
    if (this.#base) this.#base.#checkOwnFeeds(feeds);
    for (const [name, { value }] of this.#inputs) checkFeed(`feed "${name}"`, feeds[name], value);
    for (const [name, image] of this.#images) image.check(`feed "${name}"`, feeds[name]);
  }

  /** One frame in its slot: everything up to the submission happens before this returns. */
  async #frame<T>(slot: Slot, request: RunRequest, feeds: RunRequest['feeds'], consume: (results: Results) => T): Promise<T> {
    const { gpu } = this.#host;
    const turns = this.#turns;
    const { before, done } = turns.follow();
    let buffer: GPUBuffer | undefined;
    let consuming = false;
    try {
      gpu.alive();
      this.#alive();
      request.signal?.throwIfAborted();
      let bytes = 0;
      const reads = request.outputs.map((name) => {
        const output = this.#find(name)!;
        const at = bytes;
        bytes += output.place?.size ?? 0;
        return { name, output, at };
      });
      const submit = (): void => {
        if (bytes > 0) buffer = turns.staging(slot, bytes);
        this.#feed(feeds);
        this.#submit(reads.map(({ output, at }) => ({ output, at, to: buffer })));
      };
      if (this.#proved) submit();
      else await gpu.checked('frame', submit).then(() => (this.#proved = true));
      await gpu.settled(buffer ? buffer.mapAsync(MAP_READ, 0, bytes) : gpu.device.queue.onSubmittedWorkDone());
      if (this.#profiler) this.#profile = await this.#profiler.read(this.#allNames());
      else if (this.#options.profile) {
        const steps: Step[] = [];
        this.#encodeSteps((step) => steps.push(step), 0);
        this.#profile = await timeApart(gpu, this.#allNames(), (pass, index) => encodeStep(pass, steps[index]!));
      }
      await before;
      this.#alive();
      request.signal?.throwIfAborted();
      const mapped = buffer?.getMappedRange(0, bytes);
      const results: Record<string, TensorData> = {};
      for (const { name, output, at } of reads) results[name] = numbersOf(output, mapped, at);
      consuming = true;
      return consume(results);
    } catch (error) {
      // What a disposed buffer or a lost device says of itself is not what the caller wants to know.
      if (consuming) throw error;
      gpu.alive();
      this.#alive();
      request.signal?.throwIfAborted();
      throw gpu.failure('frame', error);
    } finally {
      if (buffer && buffer === slot.buffer) buffer.unmap();
      done();
      turns.leave(slot);
    }
  }

  /** One frame whose outputs stay on the device. */
  async #keptFrame(slot: Slot, request: RunRequest, feeds: RunRequest['feeds']): Promise<Record<string, GpuTensor>> {
    const { gpu } = this.#host;
    const { before, done } = this.#turns.follow();
    const buffers: GPUBuffer[] = [];
    try {
      gpu.alive();
      this.#alive();
      request.signal?.throwIfAborted();
      const kept = await gpu.checked('frame', () => {
        this.#feed(feeds);
        const reads = request.outputs.map((name) => {
          const output = this.#find(name)!;
          const size = output.place?.size ?? Math.max(16, Math.ceil(output.constant!.byteLength / 4) * 4);
          const to = gpu.device.createBuffer({ label: name, size, usage: Usage.storage | Usage.copySource | Usage.copyTarget });
          buffers.push(to);
          if (output.constant) write(gpu, to, 0, bytesOf(output.constant));
          return { name, output, to, at: 0 };
        });
        this.#submit(reads);
        return Object.fromEntries(reads.map(({ name, output, to }) => [name, tensorOf(output, to)]));
      });
      await gpu.settled(gpu.device.queue.onSubmittedWorkDone());
      await before;
      this.#alive();
      request.signal?.throwIfAborted();
      return kept;
    } catch (error) {
      for (const buffer of buffers) buffer.destroy();
      gpu.alive();
      this.#alive();
      request.signal?.throwIfAborted();
      throw gpu.failure('frame', error);
    } finally {
      done();
      this.#turns.leave(slot);
    }
  }

  /** Pictures that must not wait, as textures of their own, which are added to `held`. */
  #hold(feeds: RunRequest['feeds'], held: GPUTexture[]): RunRequest['feeds'] {
    const kept = { ...(this.#base ? this.#base.#hold(feeds, held) : feeds) };
    for (const [name, image] of this.#images) {
      const own = image.hold(kept[name]!);
      kept[name] = own.feed;
      if (own.held) held.push(own.held);
    }
    return kept;
  }

  #feed(feeds: RunRequest['feeds']): void {
    if (this.#base) this.#base.#feed(feeds);
    for (const [name, input] of this.#inputs) writeInput(this.#host.gpu, input, feeds[name] as TensorData);
    for (const [name, image] of this.#images) image.write(feeds[name]!);
  }

  /** Encodes everything and hands it to the device. */
  #submit(reads: readonly { output: Output; at: number; to: GPUBuffer | undefined }[]): void {
    const { device } = this.#host.gpu;
    const encoder = device.createCommandEncoder();
    if (this.#options.profile && this.#host.gpu.features.has('timestamp-query')) {
      this.#profiler ??= new Profiler(this.#host.gpu, this.#count());
      const profiler = this.#profiler;
      this.#encodeSteps((step, index) => {
        const pass = encoder.beginComputePass(profiler.pass(index));
        encodeStep(pass, step);
        pass.end();
      }, 0);
      profiler.end(encoder);
    } else {
      const pass = encoder.beginComputePass();
      this.#encodeSteps((step) => encodeStep(pass, step), 0);
      pass.end();
    }
    for (const { output, at, to } of reads) {
      const { place } = output;
      if (place) encoder.copyBufferToBuffer(place.buffer, place.offset, to!, at, place.size);
    }
    device.queue.submit([encoder.finish()]);
  }

  /** The steps of the base, then its own; gives the number of steps. */
  #encodeSteps(encode: (step: Step, index: number) => void, first: number): number {
    let index = this.#base ? this.#base.#encodeSteps(encode, first) : first;
    for (const step of this.#steps) {
      if (step.image?.renewed(step) || !step.group) step.group = this.#bind(step);
      encode(step, index++);
    }
    return index;
  }

  #count(): number {
    return (this.#base ? this.#base.#count() : 0) + this.#steps.length;
  }

  /** Name and operator of the node behind each step. */
  #allNames(): StepName[] {
    const { nodes } = this.#layout.graph;
    const own = this.#steps.map(({ node }, i) => {
      return { name: nodes[node]!.name, op: nodes[node]!.op, first: this.#steps[i - 1]?.node !== node };
    });
    return [...(this.#base ? this.#base.#allNames() : []), ...own];
  }
}

/** The kernel for the frame of now. */
function programOf({ program, textured, image }: Step): Program {
  return image?.isTexture && textured ? textured : program;
}

function encodeStep(pass: GPUComputePassEncoder, step: Step): void {
  const { group, workgroups } = step;
  pass.setPipeline(programOf(step).pipeline);
  pass.setBindGroup(0, group!);
  pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
}

/** Rejects as soon as the signal aborts; what is under way ends by itself. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
