// A compiled graph: memory laid out, steps written, frames run one after another. Lowering of operators is not here.
import { Flag, Head, Step as Layout } from '../../../assembly/records.js';
import { ArgumentError, describe, DeviceError, DisposedError } from '../../errors.js';
import type { Graph, Value, ValueId } from '../../ir/graph.js';
import type { TensorData } from '../../tensor/dtype.js';
import { formatShape, shapesEqual, sizeOf } from '../../tensor/shape.js';
import { planMemory } from '../memory-plan.js';
import { checkFeed, copyFeeds } from '../feeds.js';
import type { CompileOptions, Executable, ImageFeed, PlanStep, Results, RunRequest, StepTime } from '../runtime.js';
import { ImageInput, type ImageStep } from './image.js';
import { Context, lower, OVERREAD, type Lowered, type Settings } from './lower/index.js';
import type { Modules } from './module.js';
import { pause } from '../pause.js';
import { Space } from './space.js';
import type { Step } from './step.js';
import type { ProgramPart, Team } from './team.js';

/** Longest time in ms that a frame on one thread keeps the event loop, and compilation too. */
const SLICE_MS = 12;

/** Multiply-adds of a piece of work between two looks at the clock: about 3 ms. */
const PIECE_COST = 6e7;

/** Below this cost one thread does a step alone: the others would only wait for cache lines. */
const ALONE_COST = 12_000;

/** What executables need of the runtime that made them. */
export interface Host {
  modules: Modules;
  settings: Settings;
  team: Team | undefined;
  released(executable: WasmExecutable): void;
}

/** A run of steps on one thread: whole steps, or a part of a long one. */
interface Piece {
  program: number;
  first: number;
  last: number;
  part: number;
  parts: number;
}

/** A tensor in linear memory. The view is made again when the memory has grown. */
class Place {
  #view: TensorData | undefined;
  constructor(
    readonly space: Space,
    readonly at: number,
    readonly value: Pick<Value, 'dtype' | 'shape' | 'name'>,
  ) {}

  get view(): TensorData {
    const { buffer } = this.space.memory;
    if (this.#view?.buffer === buffer) return this.#view;
    const size = sizeOf(this.value.shape);
    const type = this.value.dtype === 'float32' ? Float32Array : this.value.dtype === 'int32' ? Int32Array : Uint8Array;
    return (this.#view = new type(buffer, this.at, size));
  }
}

/** Frames of a base and its extensions take turns: they share memory. */
class Turns {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  get busy(): boolean {
    return this.#busy;
  }

  /** Resolves when it is the caller's turn; undefined when it is at once. */
  enter(): Promise<void> | undefined {
    if (this.#busy) return new Promise((resolve) => void this.#waiting.push(resolve));
    this.#busy = true;
    return undefined;
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#busy = false;
  }
}

/** Memory shared by a base executable and its extensions. */
interface Shared {
  space: Space;
  turns: Turns;
  /** Number of the memory among the workers. */
  id: number;
}

export class WasmExecutable implements Executable {
  readonly #host: Host;
  readonly #options: CompileOptions;
  readonly #shared: Shared;
  readonly #base: WasmExecutable | undefined;
  readonly #children = new Set<WasmExecutable>();
  readonly #regions: { at: number; bytes: number }[] = [];
  readonly #inputs = new Map<string, Place | ImageInput>();
  readonly #outputs = new Map<string, Place>();
  readonly #parts: readonly ProgramPart[];
  readonly #pieces: readonly Piece[];
  readonly #names: readonly { name: string; op: string; steps: number }[];
  /** What was made of each node. */
  readonly plan: readonly PlanStep[];
  readonly #sizes: { constants: number; arena: number; other: number };
  #profile: readonly StepTime[] = [];
  #disposed = false;
  #stop: (() => void) | undefined;

  private constructor(
    host: Host,
    options: CompileOptions,
    base: WasmExecutable | undefined,
    graph: Graph,
    context: Context,
    lowered: readonly Lowered[],
    linked: ReadonlyMap<ValueId, Place>,
  ) {
    this.#host = host;
    this.#options = options;
    this.#base = base;
    const { threads } = host.settings;

    const external = (id: ValueId): boolean => {
      const value = graph.values[id]!;
      return value.constant !== undefined || value.image === true || linked.has(id);
    };
    const element = (id: ValueId): number => context.element(id);
    const plan = planMemory(graph, {
      bytes: (id) => sizeOf(graph.values[id]!.shape) * element(id),
      external,
      scratch: (i) => lowered[i]!.scratch ?? 0,
      inPlace: (i) => lowered[i]!.inPlace ?? [],
      alignment: 64,
    });
    // Outputs and inputs that are constants need an address too.
    const outputAddresses = graph.outputs.map((id) => context.address(plan.roots[id]!));
    context.close();

    const constantBytes = context.constantBytes;
    const arenaBytes = plan.size;
    const shared: Shared = base
      ? base.#shared
      : {
          space: new Space(host.modules, threads > 1, constantBytes + arenaBytes + graph.nodes.length * 3 * Layout.bytes + 8192),
          turns: new Turns(),
          id: 0,
        };
    this.#shared = shared;
    const { space } = shared;
    try {
      const take = (bytes: number): number => {
        const at = space.take(bytes);
        this.#regions.push({ at, bytes });
        return at;
      };
      context.constantBase = take(constantBytes);
      const arena = take(arenaBytes + OVERREAD);
      context.resolve = (id) => {
        const root = plan.roots[id]!;
        const place = linked.get(root);
        if (place) return place.at;
        return graph.values[root]!.constant ? context.address(root)() : arena + plan.offsets[root]!;
      };

      const steps: Step[] = [];
      const images = new Map<ValueId, { step: number; node: Graph['nodes'][number] }[]>();
      this.#names = graph.nodes.map((node, i) => {
        const made = lowered[i]!.emit(arena + Math.max(0, plan.scratch[i]!));
        if (node.op === 'image_to_tensor') {
          const id = node.inputs[0]!;
          images.set(id, [...(images.get(id) ?? []), { step: steps.length, node }]);
        }
        steps.push(...made);
        return { name: node.name, op: node.op, steps: made.length };
      });
      this.plan = graph.nodes.map(({ name, op, outputs: [id] }, i): PlanStep => {
        const { shape } = graph.values[id!]!;
        const memory = { bank: 0, offset: plan.offsets[id!]!, bytes: sizeOf(shape) * element(id!) };
        return { name, op, shape, kernels: Array.from({ length: this.#names[i]!.steps }, () => ({ name: op })), memory };
      });
      const program = take(steps.length * Layout.bytes);
      this.#write(steps, program);
      let at = context.constantBase;
      for (const { bytes, write } of context.constants) {
        write(space.memory.buffer, at);
        at += bytes;
      }

      this.#parts = [...(base ? base.#parts : []), { program, steps: steps.length }];
      this.#pieces = [...(base ? base.#pieces : []), ...piecesOf(steps, program)];
      for (const id of graph.inputs) {
        const value = graph.values[id]!;
        if (linked.has(id)) continue;
        if (value.image) {
          const readers = (images.get(id) ?? []).map(({ step, node }): ImageStep => {
            return { record: program + step * Layout.bytes, attributes: node.attributes as ImageStep['attributes'] };
          });
          this.#inputs.set(value.name, new ImageInput(value.name, readers, space, threads));
        } else {
          const unused = plan.offsets[plan.roots[id]!]! < 0;
          this.#inputs.set(
            value.name,
            new Place(space, unused ? take(sizeOf(value.shape) * element(id)) : context.resolve(id), value),
          );
        }
      }
      for (const [i, id] of graph.outputs.entries()) {
        const value = graph.values[id]!;
        const root = graph.values[plan.roots[id]!]!;
        this.#outputs.set(value.name, new Place(space, root.constant ? outputAddresses[i]!() : context.resolve(id), value));
      }
      this.#sizes = { constants: constantBytes, arena: arenaBytes, other: steps.length * Layout.bytes };
      if (!base && host.team) shared.id = host.team.open(space);
    } catch (error) {
      if (base) for (const { at, bytes } of this.#regions) space.release(at, bytes);
      throw error;
    }
  }

  /** Lowers and lays out a graph; gives way to the event loop on the way. */
  static async make(host: Host, graph: Graph, options: CompileOptions, base?: WasmExecutable): Promise<WasmExecutable> {
    const linked = new Map<ValueId, Place>();
    if (base) {
      for (const id of graph.inputs) {
        const value = graph.values[id]!;
        const place = base.#find(value.name);
        if (!place) continue;
        if (value.image || place.value.dtype !== value.dtype || !shapesEqual(place.value.shape, value.shape)) {
          throw new ArgumentError({
            thing: `extension input "${value.name}"`,
            found: value.image ? 'an image' : `${value.dtype} ${formatShape(value.shape)}`,
            wanted: `${place.value.dtype} ${formatShape(place.value.shape)}, as the base graph's output`,
          });
        }
        linked.set(id, place);
      }
    }
    const context = new Context(graph, host.settings);
    const lowered: Lowered[] = [];
    let resumed = performance.now();
    for (const [i, node] of graph.nodes.entries()) {
      // Results without elements need no work.
      const empty = node.outputs.every((id) => context.size(id) === 0);
      lowered.push(empty ? { emit: () => [] } : lower(node, context));
      if (performance.now() - resumed > SLICE_MS) {
        options.onProgress?.(i, graph.nodes.length);
        await pause();
        resumed = performance.now();
      }
      options.signal?.throwIfAborted();
    }
    const executable = new WasmExecutable(host, options, base, graph, context, lowered, linked);
    options.onProgress?.(graph.nodes.length, graph.nodes.length);
    return executable;
  }

  get memory(): { constants: number; arena: number; other: number } {
    let images = 0;
    for (const input of this.#inputs.values()) if (input instanceof ImageInput) images += input.bytes;
    return { ...this.#sizes, other: this.#sizes.other + images };
  }

  get profile(): readonly StepTime[] {
    return this.#profile;
  }

  async run<T>(request: RunRequest, consume: (results: Results) => T): Promise<T> {
    this.#alive();
    const { signal } = request;
    signal?.throwIfAborted();
    for (const name of request.outputs) {
      if (!this.#find(name)) {
        throw new ArgumentError({
          thing: 'run: outputs',
          found: describe(name),
          wanted: `names of ${this.#outputNames().join(', ')}`,
        });
      }
    }
    this.#checkFeeds(request.feeds);
    const { turns } = this.#shared;
    // While another frame runs its inputs must not change: then the feeds are copied aside.
    const feeds = turns.busy ? copyFeeds(request.feeds) : request.feeds;
    // Without a wait when nobody is before it: the feeds are read before the caller goes on.
    const turn = turns.enter();
    if (turn) await turn;
    try {
      this.#alive();
      signal?.throwIfAborted();
      this.#feed(feeds);
      if (this.#host.team) await this.#runOnTeam(this.#host.team, signal);
      else await this.#runHere(signal);
      this.#alive();
      signal?.throwIfAborted();
      const results: Record<string, TensorData> = {};
      for (const name of request.outputs) results[name] = this.#find(name)!.view;
      return consume(results);
    } finally {
      turns.leave();
    }
  }

  async extend(graph: Graph): Promise<Executable> {
    this.#alive();
    const child = await WasmExecutable.make(this.#host, graph, this.#options, this);
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
    for (const child of this.#children) child.dispose();
    this.#stop?.();
    const { space, turns, id } = this.#shared;
    const free = (): void => {
      if (this.#base) {
        for (const input of this.#inputs.values()) if (input instanceof ImageInput) input.release();
        for (const { at, bytes } of this.#regions) space.release(at, bytes);
      } else if (this.#host.team) {
        this.#host.team.close(id);
      }
      this.#inputs.clear();
      this.#outputs.clear();
      this.#regions.length = 0;
    };
    // A frame in flight still uses the memory.
    const turn = turns.enter();
    if (turn) void turn.then(free).finally(() => turns.leave());
    else {
      free();
      turns.leave();
    }
    if (this.#base) this.#base.#children.delete(this);
    this.#host.released(this);
  }

  #alive(): void {
    if (this.#disposed) throw new DisposedError('wasm executable');
  }

  /** An output of this graph or its bases. */
  #find(name: string): Place | undefined {
    return this.#outputs.get(name) ?? (this.#base ? this.#base.#find(name) : undefined);
  }

  #outputNames(): string[] {
    return [...(this.#base ? this.#base.#outputNames() : []), ...this.#outputs.keys()];
  }

  #inputNames(): string[] {
    return [...(this.#base ? this.#base.#inputNames() : []), ...this.#inputs.keys()];
  }

  #input(name: string): Place | ImageInput | undefined {
    return this.#inputs.get(name) ?? (this.#base ? this.#base.#input(name) : undefined);
  }

  #checkFeeds(feeds: RunRequest['feeds']): void {
    for (const name in feeds) {
      if (!this.#input(name)) {
        const wanted = this.#inputNames();
        throw new ArgumentError({
          thing: 'run: feeds',
          found: describe(name),
          wanted: wanted.length ? `names of ${wanted.join(', ')}` : 'none',
        });
      }
    }
    this.#checkOwnFeeds(feeds);
  }

  #checkOwnFeeds(feeds: RunRequest['feeds']): void {
    if (this.#base) this.#base.#checkOwnFeeds(feeds);
    for (const [name, input] of this.#inputs) checkFeed(`feed "${name}"`, feeds[name], input.value);
  }

  #feed(feeds: RunRequest['feeds']): void {
    if (this.#base) this.#base.#feed(feeds);
    for (const [name, input] of this.#inputs) {
      const feed = feeds[name]!;
      if (input instanceof ImageInput) input.write(feed as ImageFeed);
      else input.view.set(feed as TensorData);
    }
  }

  /** One thread: pieces of a few ms, a pause whenever a slice of time is used up. */
  async #runHere(signal: AbortSignal | undefined): Promise<void> {
    const { kernels, control } = this.#shared.space;
    if (this.#options.profile) return this.#profileHere();
    let resumed = performance.now();
    for (const { program, first, last, part, parts } of this.#pieces) {
      if (performance.now() - resumed > SLICE_MS) {
        await pause();
        this.#alive();
        signal?.throwIfAborted();
        resumed = performance.now();
      }
      try {
        if (parts === 1) kernels.run(program, first, last, 0, 1, control);
        else kernels.part(program, first, part, parts);
      } catch (cause) {
        throw trapped(cause);
      }
    }
  }

  #profileHere(): void {
    const { kernels, control } = this.#shared.space;
    const times: number[] = [];
    let last = performance.now();
    for (const { program, steps } of this.#parts) {
      for (let i = 0; i < steps; i++) {
        try {
          kernels.run(program, i, i + 1, 0, 1, control);
        } catch (cause) {
          throw trapped(cause);
        }
        const now = performance.now();
        times.push(now - last);
        last = now;
      }
    }
    this.#record(times);
  }

  async #runOnTeam(team: Team, signal: AbortSignal | undefined): Promise<void> {
    const { space, id } = this.#shared;
    const stop = (): void => team.stop(space);
    this.#stop = stop;
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const { times } = await team.run(id, space, this.#parts, this.#options.profile === true);
      if (times) this.#record(times);
    } catch (error) {
      this.#alive();
      throw error;
    } finally {
      this.#stop = undefined;
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Step times by node. */
  #record(times: readonly number[]): void {
    const names = this.#allNames();
    let at = 0;
    this.#profile = names.map(({ name, op, steps }) => {
      let ms = 0;
      for (let i = 0; i < steps; i++) ms += times[at++] ?? 0;
      return { name, op, ms };
    });
  }

  #allNames(): { name: string; op: string; steps: number }[] {
    return [...(this.#base ? this.#base.#allNames() : []), ...this.#names];
  }

  /** Writes the records; decides which steps one thread does alone and where no barrier is needed. */
  #write(steps: readonly Step[], program: number): void {
    const words = new Int32Array(this.#shared.space.memory.buffer, program, steps.length * Layout.words);
    const alone = steps.map((step) => !step.together && step.cost < ALONE_COST);
    for (const [i, step] of steps.entries()) {
      // Thread 0 does consecutive steps of its own in order; the others wait at the barrier behind the last.
      if (alone[i]) step.words[Head.flags] = Flag.serial | (alone[i + 1] ? Flag.no_barrier : 0);
      words.set(step.words, i * Layout.words);
    }
  }
}

/** Groups steps into pieces of about equal cost, and cuts long steps. */
function piecesOf(steps: readonly Step[], program: number): Piece[] {
  const pieces: Piece[] = [];
  let first = 0;
  let cost = 0;
  const close = (last: number): void => {
    if (last > first) pieces.push({ program, first, last, part: 0, parts: 1 });
    first = last;
    cost = 0;
  };
  for (const [i, step] of steps.entries()) {
    const parts = step.divisible ? Math.ceil(step.cost / PIECE_COST) : 1;
    if (parts > 1) {
      close(i);
      for (let part = 0; part < parts; part++) pieces.push({ program, first: i, last: i + 1, part, parts });
      first = i + 1;
      continue;
    }
    cost += step.cost;
    if (cost > PIECE_COST) close(i + 1);
  }
  close(steps.length);
  return pieces;
}

function trapped(cause: unknown): DeviceError {
  return new DeviceError('device-failed', {
    thing: 'wasm kernels',
    found: cause instanceof Error ? cause.message : String(cause),
    wanted: 'a program that runs',
    next: 'This is a bug in labelweave: please report it with the model.',
    cause,
  });
}
