// The programs behind a network: for each wanted label space a tail that joins the heads' scores, merges them and picks the best boxes. Made once,
// kept while they are used; they run in the same submission as the network.
import type { Candidates } from './detections/candidates.js';
import type { Head } from './heads/head.js';
import { GraphBuilder } from './ir/builder.js';
import type { ValueId } from './ir/graph.js';
import type { Executable, Feed, GpuTensor, Results } from './runtime/runtime.js';
import { mappingOf, type LabelMapping, membersOf, type ScoreKind, targetsOf } from './taxonomy/mapping.js';
import type { ResolvedLabels } from './taxonomy/mapper.js';
import { addScoreMerge, mergedKind } from './unify/merge.js';

/** Heads that score the same positions (see `Head.geometry`): their scores stand side by side, and one choice of boxes serves all. */
interface Branch {
  readonly heads: readonly Head[];
  /** What the joined scores are: those of the heads where these agree, probabilities otherwise. */
  readonly from: ScoreKind;
  /** For each joined column the position of its label in the model's label space. */
  readonly columns: readonly number[];
}

/** One branch as it answers in one label space: the names of its outputs are its own. */
interface Exit {
  readonly head: Head;
  readonly from: ScoreKind;
  readonly labels: number;
}

interface Program {
  readonly executable: Executable;
  /** For each answer the branches that can say something in it. */
  readonly exits: readonly (readonly Exit[])[];
}

interface Entry {
  readonly program: Promise<Program>;
  /** Frames that are using it now; only an idle program may be given up. */
  users: number;
}

/** Results of a program whose candidates stay on the GPU. */
const GPU = { scores: 'gpu:scores', labels: 'gpu:labels', order: 'gpu:order', kept: 'gpu:kept' } as const;

type Suppression = { iouThreshold: number; perClass?: boolean } | false;

/** Candidates on the GPU: see GpuDetections. */
export interface KeptCandidates {
  boxes: GpuTensor;
  scores: GpuTensor;
  labelIndices: GpuTensor;
  order: GpuTensor | undefined;
  count: GpuTensor;
}

/** Programs for the label spaces used lately that are kept ready; the oldest idle one goes first. */
const MAX_PROGRAMS = 16;

/** Tails behind one network. */
export class Tails {
  readonly #base: Executable;
  readonly #branches: readonly Branch[];
  readonly #entries = new Map<string, Entry>();
  readonly #contents = new WeakMap<LabelMapping, string>();

  /** `heads` in the order of the model's label space, each with the number of its labels. */
  constructor(base: Executable, heads: readonly { readonly head: Head; readonly labels: number }[]) {
    this.#base = base;
    this.#branches = branchesOf(heads);
  }

  /** How many sets of boxes the heads have: 1 where all score the same positions. */
  get branches(): number {
    return this.#branches.length;
  }

  /**
   * Runs the network once, and answers in each of the given label spaces: at least `wanted` candidates where there are so many, in pixels of the
   * network's input, in no promised order where heads have boxes of their own. `feeds` are those of the network.
   */
  async run(
    answers: readonly ResolvedLabels[],
    options: {
      feeds: Readonly<Record<string, Feed>>;
      scoreThreshold: number;
      wanted: number;
      signal: AbortSignal | undefined;
    },
  ): Promise<Candidates[]> {
    const { feeds, scoreThreshold, wanted, signal } = options;
    return this.#use(answers, wanted, undefined, ({ executable, exits }) => {
      const all = exits.flat();
      const thresholds = all.map(({ head, from }) => head.feeds(scoreThreshold, from));
      return executable.run(
        { feeds: Object.assign({ ...feeds }, ...thresholds), outputs: all.flatMap(({ head }) => head.outputs), signal },
        (results) => exits.map((own) => join(own.map((exit) => decode(exit, results)))),
      );
    });
  }

  /**
   * Runs the network once and leaves the candidates in one label space on the GPU, suppressed there if `nms` says so. Only where there is a GPU, and where
   * the heads score the same positions (`branches` is 1).
   */
  async keep(
    answer: ResolvedLabels,
    options: {
      feeds: Readonly<Record<string, Feed>>;
      scoreThreshold: number;
      wanted: number;
      nms: Suppression;
      signal: AbortSignal | undefined;
    },
  ): Promise<KeptCandidates> {
    const { feeds, scoreThreshold, wanted, nms, signal } = options;
    return this.#use([answer], wanted, nms, async ({ executable, exits }) => {
      const { head, from } = exits[0]![0]!;
      const { count, boxes } = head.peaks;
      const names = [boxes, GPU.scores, GPU.labels, ...(nms ? [GPU.order, GPU.kept] : [count])];
      const all = { ...feeds, ...head.feeds(scoreThreshold, from) };
      const kept = await executable.keep!({ feeds: all, outputs: names, signal });
      return {
        boxes: kept[boxes]!,
        scores: kept[GPU.scores]!,
        labelIndices: kept[GPU.labels]!,
        order: kept[GPU.order],
        count: kept[nms ? GPU.kept : count]!,
      };
    });
  }

  /** Forgets all programs; their memory is freed with the network's. */
  clear(): void {
    this.#entries.clear();
  }

  /** `nms` is undefined for programs whose candidates are read back. */
  async #use<T>(
    answers: readonly ResolvedLabels[],
    wanted: number,
    nms: Suppression | undefined,
    use: (program: Program) => Promise<T>,
  ): Promise<T> {
    // Powers of two keep the number of programs small.
    const k = 2 ** Math.ceil(Math.log2(Math.max(128, wanted)));
    const kept = nms === undefined ? '' : `/gpu ${JSON.stringify(nms)}`;
    const key = `${k}/${answers.map((answer) => this.#keyOf(answer)).join(';')}${kept}`;
    const entry = this.#entries.get(key) ?? { program: this.#build(answers, k, nms), users: 0 };
    // The one used last stands last.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users++;
    try {
      const program = await entry.program.catch((error: unknown) => {
        this.#entries.delete(key);
        throw error;
      });
      return await use(program);
    } finally {
      entry.users--;
      if (this.#entries.size > MAX_PROGRAMS) this.#giveUpIdle();
    }
  }

  /** Equal for answers that need the same program, whatever their labels are called. */
  #keyOf({ mapping, combine }: ResolvedLabels): string {
    if (!mapping) return 'own';
    let content = this.#contents.get(mapping);
    if (content === undefined) this.#contents.set(mapping, (content = `${mapping.offsets.join()}:${mapping.members.join()}`));
    return `${combine}:${content}`;
  }

  #giveUpIdle(): void {
    for (const [key, { program, users }] of this.#entries) {
      if (this.#entries.size <= MAX_PROGRAMS) return;
      if (users > 0) continue;
      this.#entries.delete(key);
      // A program that could not be built has nothing to free; its error went to the call that asked for it.
      program.then(
        ({ executable }) => executable.dispose(),
        () => undefined,
      );
    }
  }

  async #build(answers: readonly ResolvedLabels[], k: number, nms: Suppression | undefined): Promise<Program> {
    const builder = new GraphBuilder();
    const scores = this.#branches.map(() => undefined as ValueId | undefined);
    const exits = answers.map((answer, a) =>
      this.#branches.flatMap((branch, b): Exit[] => {
        const mapping = mappingFor(branch, answer);
        if (mapping?.members.length === 0) return [];
        const own = (scores[b] ??= addScores(builder, branch));
        const { from } = branch;
        const labels = answer.space.size;
        const merged = mapping ? addScoreMerge(builder, own, mapping, { combine: answer.combine, from }) : own;
        const first = branch.heads[0]!;
        const head = answers.length + this.#branches.length === 2 ? first : first.withPrefix(`tail:${a}:${b}`);
        head.addPeaks(builder, merged, { k, labels });
        const kind = mapping ? mergedKind({ combine: answer.combine, from }) : from;
        if (nms !== undefined) addKept(builder, head, { from: kind, labels, nms });
        return [{ head, labels, from: kind }];
      }),
    );
    return { executable: await this.#base.extend(builder.build()), exits };
  }
}

/** Behind the peaks: probabilities, labels, and what suppression keeps, for those who go on computing on the GPU. */
function addKept(
  builder: GraphBuilder,
  { peaks }: Head,
  { from, labels, nms }: { from: ScoreKind; labels: number; nms: Suppression },
): void {
  const [value, index, count, boxes] = [peaks.value, peaks.index, peaks.count, peaks.boxes].map((name) => builder.find(name)!);
  const kind = from === 'logit' ? 'sigmoid' : 'none';
  const [scores] = builder.add('activation', GPU.scores, [value!], { activation: { kind } });
  const size = builder.constant('gpu:size', Int32Array.of(labels), [1]);
  const [label] = builder.add('binary', GPU.labels, [index!, size], { kind: 'floor_mod', activation: { kind: 'none' } });
  builder.output(scores);
  builder.output(label);
  if (!nms) return;
  const { iouThreshold, perClass = true } = nms;
  const operands = [boxes!, scores, label, count!];
  const names = { names: [GPU.order, GPU.kept] };
  for (const id of builder.add('non_max_suppression', GPU.order, operands, { iouThreshold, perClass }, names)) builder.output(id);
}

function branchesOf(heads: readonly { readonly head: Head; readonly labels: number }[]): Branch[] {
  const groups = new Map<string, { heads: Head[]; columns: number[] }>();
  let start = 0;
  for (const { head, labels } of heads) {
    const group = groups.get(head.geometry) ?? { heads: [], columns: [] };
    groups.set(head.geometry, group);
    group.heads.push(head);
    for (let i = 0; i < labels; i++) group.columns.push(start + i);
    start += labels;
  }
  return [...groups.values()].map(({ heads: own, columns }) => {
    const kinds = new Set(own.map(({ scores }) => scores.from));
    return { heads: own, columns, from: kinds.size === 1 ? own[0]!.scores.from : 'probability' };
  });
}

/** The scores of the branch's heads side by side: [..., sum Kd]. */
function addScores(builder: GraphBuilder, { heads, from }: Branch): ValueId {
  const all = heads.map((head) => {
    const scores = head.addScores(builder);
    if (head.scores.from === from) return scores;
    const name = builder.freeName(`${builder.type(scores).name}/probability`);
    return builder.add('activation', name, [scores], { activation: { kind: 'sigmoid' } })[0];
  });
  if (all.length === 1) return all[0]!;
  const axis = builder.type(all[0]!).shape.length - 1;
  return builder.add('concat', builder.freeName('tail:scores'), all, { axis })[0];
}

/** From the columns of a branch to the labels of an answer; undefined where each stands for itself. */
function mappingFor({ columns }: Branch, { mapping, space }: ResolvedLabels): LabelMapping | undefined {
  const isWhole = columns.length === (mapping?.sources ?? space.size) && columns.every((column, i) => column === i);
  if (isWhole) return mapping;
  const place = new Map(columns.map((column, i) => [column, i]));
  const members = (u: number): number[] => (mapping ? Array.from(membersOf(mapping, u)) : [u]);
  const groups = Array.from({ length: mapping ? targetsOf(mapping) : space.size }, (_, u) =>
    members(u).flatMap((column) => place.get(column) ?? []),
  );
  return mappingOf(groups, columns.length);
}

function decode({ head, from, labels }: Exit, results: Results): Candidates {
  return head.decode(results, { labels, from });
}

function join(parts: readonly Candidates[]): Candidates {
  if (parts.length === 1) return parts[0]!;
  return {
    boxes: Float32Array.from(parts.flatMap(({ boxes }) => Array.from(boxes))),
    scores: Float32Array.from(parts.flatMap(({ scores }) => Array.from(scores))),
    labelIndices: Int32Array.from(parts.flatMap(({ labelIndices }) => Array.from(labelIndices))),
  };
}
