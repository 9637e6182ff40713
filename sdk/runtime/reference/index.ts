// The reference runtime: plain TypeScript, no workers, no packing. The oracle of every other runtime, and the last fallback; not fast.
import { ArgumentError, DeviceError, DisposedError, describe } from '../../errors.js';
import type { Graph, Node, Value, ValueId } from '../../ir/graph.js';
import { NONE } from '../../ir/operators.js';
import { bytesPerElement } from '../../tensor/dtype.js';
import { formatShape, shapesEqual, sizeOf } from '../../tensor/shape.js';
import { checkFeed, copyFeeds } from '../feeds.js';
import type { CompileOptions, Executable, Feed, ImageFeed, Results, RunRequest, Runtime, StepTime } from '../runtime.js';
import { allocate, evaluateNode, type Operand } from './evaluate.js';

/** Longest time in ms that a frame keeps the event loop busy, between two steps. */
const SLICE_MS = 25;

/** Bytes of all values together: as much as the wasm runtime can address. */
const MAX_BYTES = 2 ** 32;

/** Makes the runtime; needs nothing of the host. */
export function createReferenceRuntime(): Runtime {
  let disposed = false;
  const executables = new Set<ReferenceExecutable>();
  return {
    kind: 'reference',
    description: 'reference, plain TypeScript, 1 thread',
    async compile(graph, options = {}) {
      options.signal?.throwIfAborted();
      if (disposed) throw new DisposedError('reference runtime');
      const executable = new ReferenceExecutable(undefined, graph, options, (self) => executables.delete(self));
      executables.add(executable);
      options.onProgress?.(graph.nodes.length, graph.nodes.length);
      return executable;
    },
    dispose() {
      disposed = true;
      for (const executable of [...executables]) executable.dispose();
    },
  };
}

/** A graph input: the array to fill, or the place of an image. */
interface Input {
  operand: Operand;
  image: boolean;
}

/** A node with the arrays it reads and writes; every value keeps its own array, made at compile. */
interface Step {
  node: Node;
  inputs: (Operand | undefined)[];
  outputs: Operand[];
}

class ReferenceExecutable implements Executable {
  readonly memory: { constants: number; arena: number; other: number };
  #profile: StepTime[] = [];
  #disposed = false;
  readonly #values = new Map<string, Operand>();
  readonly #feeds = new Map<string, Input>();
  readonly #steps: Step[] = [];
  readonly #readable: ReadonlySet<string>;
  readonly #children = new Set<ReferenceExecutable>();
  /** The end of the queue that a base and all its extensions share: their values are the same memory. */
  readonly #queue: { tail: Promise<unknown> };

  constructor(
    readonly base: ReferenceExecutable | undefined,
    graph: Graph,
    readonly options: CompileOptions,
    readonly released: (self: ReferenceExecutable) => void,
  ) {
    this.#queue = base ? base.#queue : { tail: Promise.resolve() };
    checkMemory(graph);
    let constants = 0;
    let arena = 0;
    const linked = new Set<ValueId>();
    const operands = graph.values.map((value, id): Operand => {
      if (base && graph.inputs.includes(id) && base.#readable.has(value.name)) {
        const operand = base.#find(value.name)!;
        if (operand.dtype !== value.dtype || !shapesEqual(operand.shape, value.shape)) {
          throw new ArgumentError({
            thing: `extension input "${value.name}"`,
            found: `${value.dtype} ${formatShape(value.shape)}`,
            wanted: `${operand.dtype} ${formatShape(operand.shape)}, as the base graph's output`,
          });
        }
        linked.add(id);
        return operand;
      }
      if (value.image) return { dtype: value.dtype, shape: value.shape, data: new Uint8Array(0) };
      const data = value.constant ? value.constant.values : allocate(value);
      if (value.constant) constants += data.byteLength;
      else arena += data.byteLength;
      return { dtype: value.dtype, shape: value.shape, data };
    });
    for (const [id, value] of graph.values.entries()) {
      this.#values.set(value.name, operands[id]!);
      if (graph.inputs.includes(id) && !linked.has(id))
        this.#feeds.set(value.name, { operand: operands[id]!, image: value.image === true });
    }
    this.#steps = graph.nodes.map((node) => ({
      node,
      inputs: node.inputs.map((id) => (id === NONE ? undefined : operands[id]!)),
      outputs: node.outputs.map((id) => operands[id]!),
    }));
    this.#readable = new Set([...(base ? base.#readable : []), ...graph.outputs.map((id) => graph.values[id]!.name)]);
    this.memory = { constants, arena, other: 0 };
  }

  get profile(): readonly StepTime[] {
    return this.#profile;
  }

  async run<T>(request: RunRequest, consume: (results: Results) => T): Promise<T> {
    this.#alive();
    request.signal?.throwIfAborted();
    for (const name of request.outputs) {
      if (!this.#readable.has(name)) {
        throw new ArgumentError({
          thing: 'run: outputs',
          found: describe(name),
          wanted: `names of ${[...this.#readable].join(', ')}`,
        });
      }
    }
    const feeds = this.#takeFeeds(request.feeds);
    // Frames wait for the one before, whether it went well or not.
    const turn = this.#queue.tail.then(() => this.#frame(request, feeds, consume));
    this.#queue.tail = turn.catch(() => undefined);
    return turn;
  }

  async extend(graph: Graph): Promise<Executable> {
    this.#alive();
    const child = new ReferenceExecutable(this, graph, this.options, (self) => this.#children.delete(self));
    this.#children.add(child);
    return child;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const child of [...this.#children]) child.dispose();
    this.#values.clear();
    this.#feeds.clear();
    this.#steps.length = 0;
    this.released(this);
  }

  #alive(): void {
    if (this.#disposed) throw new DisposedError('reference executable');
  }

  #find(name: string): Operand | undefined {
    return this.#values.get(name) ?? (this.base ? this.base.#find(name) : undefined);
  }

  #allFeeds(): Map<string, Input> {
    return this.base ? new Map([...this.base.#allFeeds(), ...this.#feeds]) : this.#feeds;
  }

  #allSteps(): Step[] {
    return this.base ? [...this.base.#allSteps(), ...this.#steps] : this.#steps;
  }

  /** Checks and copies the feeds, so that the caller may reuse its arrays as soon as `run` has returned. */
  #takeFeeds(feeds: RunRequest['feeds']): [Operand, Feed][] {
    const wanted = this.#allFeeds();
    for (const name of Object.keys(feeds)) {
      if (!wanted.has(name)) {
        throw new ArgumentError({
          thing: 'run: feeds',
          found: describe(name),
          wanted: `names of ${[...wanted.keys()].join(', ') || 'no inputs'}`,
        });
      }
    }
    for (const [name, { operand, image }] of wanted) {
      const { dtype, shape } = operand;
      checkFeed(`feed "${name}"`, feeds[name], { dtype: dtype as Value['dtype'], shape, ...(image && { image }) });
    }
    const copies = copyFeeds(feeds);
    return [...wanted].map(([name, { operand }]) => [operand, copies[name]!]);
  }

  async #frame<T>(request: RunRequest, feeds: [Operand, Feed][], consume: (results: Results) => T): Promise<T> {
    this.#alive();
    request.signal?.throwIfAborted();
    for (const [operand, feed] of feeds) {
      if (ArrayBuffer.isView(feed)) operand.data.set(feed);
      else operand.image = feed as ImageFeed;
    }
    const times: StepTime[] = [];
    let resumed = performance.now();
    for (const { node, inputs, outputs } of this.#allSteps()) {
      const start = performance.now();
      if (start - resumed > SLICE_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        this.#alive();
        request.signal?.throwIfAborted();
        resumed = performance.now();
      }
      evaluateNode(node, inputs, outputs);
      if (this.options.profile) times.push({ name: node.name, op: node.op, ms: performance.now() - start });
    }
    this.#profile = times;
    for (const [operand] of feeds) operand.image = undefined;
    return consume(Object.fromEntries(request.outputs.map((name) => [name, this.#find(name)!.data])));
  }
}

/** Refuses a graph before anything is allocated: engines promise memory that they do not have, and then die. */
function checkMemory(graph: Graph): void {
  let bytes = 0;
  for (const value of graph.values) bytes += value.image ? 0 : sizeOf(value.shape) * bytesPerElement[value.dtype];
  if (bytes <= MAX_BYTES) return;
  throw new DeviceError('out-of-memory', {
    thing: 'graph on the reference runtime',
    found: `${bytes} bytes for its ${graph.values.length} values`,
    wanted: `at most ${MAX_BYTES}: this runtime keeps every value`,
    next: 'Use the wasm runtime, which shares memory between values.',
  });
}
