// Lowers score_merge, peaks, top-k, boxes, suppression to WebGPU dispatches.
import { DeviceError, ModelError } from '../../../errors.js';
import type { ValueId } from '../../../ir/graph.js';
import type { Attributes } from '../../../ir/operators.js';
import { sizeOf } from '../../../tensor/shape.js';
import { flatWorkgroups, uniforms, type Binding, type Dispatch, type LowerContext, type LowerTable } from './context.js';
import { wideValues } from './wide.js';

/** Invocations of a workgroup of the flat kernels (shared/flat.wgsl), and of the kernels of selection. */
const FLAT_SIZE = 64;
const SELECT_SIZE = 256;

/** Pairs that sort_block sorts in workgroup memory. */
const BLOCK = 1024;

/** Comparisons up to which every pair counts its betters; beyond, bitonic sorting is faster. */
const MOST_COMPARISONS = 2 ** 24;

/** Words of a row's state, and bins of a pass (shared/select.wgsl). */
const STATE_WORDS = 2;
const BINS = 256;

/** Workgroups that share the list of a row at most: lists are short as a rule, and a workgroup with barriers costs software adapters much. */
const MOST_SHARES = 8;

function value(id: ValueId): Binding {
  return { kind: 'value', value: id };
}

function uniform(...members: Parameters<typeof uniforms>[0]): Binding {
  return { kind: 'uniform', data: uniforms(members) };
}

function clear(words: Binding, count: number): Dispatch {
  return {
    kernel: 'select_clear',
    overrides: {},
    bindings: [words, uniform(count)],
    workgroups: flatWorkgroups(count, FLAT_SIZE),
  };
}

/** What select makes: the dispatches that choose and sort, and where the sorted pairs (order, index) are. */
interface Selection {
  state: Binding;
  dispatches: Dispatch[];
  best: Binding;
  bestPitch: number;
}

/**
 * Plans the choice of the k best elements in each of `rows` rows of x (shared/select.wgsl). With a mask only the marked elements take part, which
 * `scan` has marked and counted.
 */
function select(
  x: ValueId,
  integer: boolean,
  rows: number,
  length: number,
  k: number,
  scan?: { mask: Binding; dispatch: (state: Binding) => Dispatch },
): Selection {
  // Of short rows, and where most is wanted, everything is sorted.
  const all = length <= BLOCK || k * 2 >= length;
  const limit = all ? length : k;
  const bestPitch = nextPower(limit);
  const state: Binding = { kind: 'scratch', key: 'state', bytes: rows * STATE_WORDS * 4 };
  const list: Binding = { kind: 'scratch', key: 'list', bytes: rows * bestPitch * 8 };
  // Any buffer stands for a mask that is not read; it must not be one that is written.
  const mask = scan?.mask ?? value(x);
  const overrides = { masked: scan ? 1 : 0 };
  const dispatches = [clear(state, rows * STATE_WORDS)];
  if (scan) dispatches.push(clear(mask, Math.ceil(length / 32)), scan.dispatch(state));
  const cut = (pass: number): Binding => ({ kind: 'scratch', key: `cut${pass & 1}`, bytes: rows * 16 });
  const shifts = [24, 16, 8, 0];
  const orderPasses = shifts.length;
  for (let shift = Math.ceil(Math.log2(length) / 8) * 8 - 8; shift >= 0; shift -= 8) shifts.push(shift);
  const passes = shifts.length;
  const shares = Math.min(MOST_SHARES, Math.ceil(length / (SELECT_SIZE * 8)));
  if (!all) {
    const bins: Binding = { kind: 'scratch', key: 'bins', bytes: rows * passes * BINS * 4 };
    dispatches.push(clear(bins, rows * passes * BINS));
    // One more than there are digits: the last only derives the cut.
    for (let pass = 0; pass <= passes; pass++) {
      const [shift = 0, before = 0] = [shifts[pass], shifts[pass - 1]];
      dispatches.push({
        kernel: integer ? 'select_histogram_int' : 'select_histogram',
        overrides,
        bindings: [
          ...[value(x), mask, state, bins, cut(pass - 1), cut(pass)],
          uniform(length, k, pass, passes, orderPasses, shift, before, length - 1),
        ],
        workgroups: [pass === passes ? 1 : shares, rows, 1],
      });
    }
  }
  const depth = Math.ceil(rows / 65_535);
  dispatches.push({
    kernel: integer ? 'select_collect_int' : 'select_collect',
    overrides,
    bindings: [value(x), mask, cut(passes), state, list, uniform(length, bestPitch, length - 1, limit, all ? 1 : 0, rows)],
    workgroups: [shares, Math.ceil(rows / depth), depth],
  });
  const sorted = sort(list, state, rows, bestPitch, limit);
  return { state, dispatches: [...dispatches, ...sorted.dispatches], best: sorted.best, bestPitch };
}

/** Sorts `rows` rows of up to `limit` pairs, `pitch` (a power of two) apart: into a list of its own where that is short, else in place. */
function sort(
  list: Binding,
  state: Binding,
  rows: number,
  pitch: number,
  limit: number,
): { dispatches: Dispatch[]; best: Binding } {
  if (rows * limit * limit <= MOST_COMPARISONS) {
    const best: Binding = { kind: 'scratch', key: 'best', bytes: rows * pitch * 8 };
    const dispatch: Dispatch = {
      kernel: 'rank_pairs',
      overrides: {},
      bindings: [list, state, best, uniform(rows * limit, limit, pitch)],
      workgroups: flatWorkgroups(rows * limit, FLAT_SIZE),
    };
    return { dispatches: [dispatch], best };
  }
  const block = Math.min(pitch, BLOCK);
  const depth = Math.ceil(rows / 65_535);
  const blocks = (run: number): Dispatch => ({
    kernel: 'sort_block',
    overrides: {},
    bindings: [list, state, uniform(pitch, limit, block, run, rows)],
    workgroups: [pitch / block, Math.ceil(rows / depth), depth],
  });
  const dispatches = [blocks(0)];
  for (let run = block * 2; run <= pitch; run *= 2) {
    for (let reach = run / 2; reach >= block; reach /= 2) {
      const total = (rows * pitch) / 2;
      dispatches.push({
        kernel: 'sort_merge',
        overrides: {},
        bindings: [list, uniform(total, pitch, run, reach)],
        workgroups: flatWorkgroups(total, FLAT_SIZE),
      });
    }
    dispatches.push(blocks(run));
  }
  return { dispatches, best: list };
}

function nextPower(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, n)));
}

/** The last step of peak_top_k and top_k: values and indices of the sorted pairs. */
function write(
  kernel: 'select_write' | 'select_write_int',
  { best, state, bestPitch }: Selection,
  rows: number,
  length: number,
  k: number,
  x: ValueId,
  [values, index]: readonly [ValueId, ValueId],
  count: Binding,
): Dispatch {
  return {
    kernel,
    overrides: {},
    bindings: [
      ...[value(x), best, state, value(values), value(index), count],
      { kind: 'uniform', data: uniforms([rows * k, k, bestPitch, length]) },
    ],
    workgroups: flatWorkgroups(rows * k, FLAT_SIZE),
  };
}

/** Boxes as float32: the value itself, or widened into scratch by a dispatch of its own. */
function boxes(context: LowerContext, id: ValueId, dispatches: Dispatch[]): Binding {
  if (context.scalar === 'f32' || wideValues(context.graph).has(id)) return value(id);
  const vectors = sizeOf(context.shape(id)) / 4;
  const wide: Binding = { kind: 'scratch', key: `boxes${id}`, bytes: vectors * 16 };
  dispatches.push({
    kernel: 'widen',
    overrides: {},
    bindings: [value(id), wide, { kind: 'uniform', data: uniforms([vectors]) }],
    workgroups: flatWorkgroups(vectors, FLAT_SIZE),
  });
  return wide;
}

/** Boxes that nms_scan has bits for in workgroup memory. */
const MOST_BOXES = 32_768;

const combines: Readonly<Record<Attributes['score_merge']['combine'], number>> = { max: 0, mean: 1, noisy_or: 2 };
const forms: Readonly<Record<Attributes['box_decode']['form'], number>> = { center: 0, distances: 1, corners: 2 };
const positions: Readonly<Record<Attributes['box_decode']['position'], number>> = { identity: 0, sigmoid: 1, tanh: 2 };
const extents: Readonly<Record<Attributes['box_decode']['extent'], number>> = {
  identity: 0, exp: 1, sigmoid: 2, sigmoid_squared: 3, relu: 4,
}; // prettier-ignore

/** Lowerings of this file, by operator. */
export const detection = {
  score_merge(context, { name, inputs, outputs, attributes: { combine, from } }) {
    const [scores, offsets, members] = inputs as [ValueId, ValueId, ValueId];
    const [P, K] = context.shape(scores) as [number, number];
    const U = context.shape(outputs[0]!)[1]!;
    if (context.constant(members)?.some((k) => k < 0 || k >= K)) {
      throw new ModelError('unsupported-operator', {
        thing: `node "${name}" (score_merge) on webgpu`,
        found: 'a member outside the scores',
        wanted: `0 to ${K - 1}`,
      });
    }
    const vectors = Math.ceil((P * U) / 4);
    return [
      {
        kernel: 'score_merge',
        overrides: { combine: combines[combine], logits: from === 'logit' ? 1 : 0 },
        bindings: [...[scores, offsets, members, outputs[0]!].map(value), { kind: 'uniform', data: uniforms([vectors, K, U]) }],
        workgroups: flatWorkgroups(vectors, FLAT_SIZE),
      },
    ];
  },

  gather_rows(context, { inputs, outputs, attributes: { divisor } }) {
    const [rows, index, count] = inputs as [ValueId, ValueId, ValueId];
    const [P, C] = context.shape(rows) as [number, number];
    const total = sizeOf(context.shape(outputs[0]!));
    return [
      {
        kernel: 'gather_rows',
        overrides: {},
        bindings: [...[rows, index, count, outputs[0]!].map(value), { kind: 'uniform', data: uniforms([total, P, C, divisor]) }],
        workgroups: flatWorkgroups(total, FLAT_SIZE),
      },
    ];
  },

  box_decode(context, { name, inputs, outputs, attributes }) {
    const [rows, priors, index, count] = inputs as [ValueId, ValueId, ValueId, ValueId];
    const { divisor, form, columns, bins, position, extent, scale, limit } = attributes;
    const [P, C] = context.shape(rows) as [number, number];
    const [k] = context.shape(index) as [number];
    const numbers = context.constant(priors);
    if (!numbers && context.scalar === 'f16') {
      throw new DeviceError('device-failed', {
        thing: `node "${name}" (box_decode) on webgpu with float16`,
        found: 'priors that are computed',
        wanted: 'constants, which stay float32',
        next: 'Use precision: "f32".',
      });
    }
    const floats = [scale[0], scale[1], Math.min(limit, 3.4e38)].map((f32) => ({ f32 }));
    const data = uniforms([k, P, C, divisor, ...columns, ...floats, bins, context.shape(priors)[0] === 1 ? 1 : 0]);
    return [
      {
        kernel: 'box_decode',
        overrides: { form: forms[form], position: positions[position], extent: extents[extent] },
        bindings: [
          value(rows),
          numbers
            ? { kind: 'packed', key: `${context.graph.values[priors]!.name} box_decode priors`, data: () => numbers }
            : value(priors),
          ...[index, count, outputs[0]!].map(value),
          { kind: 'uniform', data },
        ],
        workgroups: flatWorkgroups(k, FLAT_SIZE),
      },
    ];
  },

  pairwise_iou(context, { inputs, outputs }) {
    const dispatches: Dispatch[] = [];
    const [a, b] = inputs.map((id) => boxes(context, id, dispatches)) as [Binding, Binding];
    const [n, m] = context.shape(outputs[0]!) as [number, number];
    dispatches.push({
      kernel: 'pairwise_iou',
      overrides: {},
      bindings: [a, b, value(outputs[0]!), { kind: 'uniform', data: uniforms([n * m, m]) }],
      workgroups: flatWorkgroups(n * m, FLAT_SIZE),
    });
    return dispatches;
  },

  non_max_suppression(context, { name, inputs, outputs, attributes: { iouThreshold, perClass } }) {
    const [boxIds, scores, labels, count] = inputs as [ValueId, ValueId, ValueId, ValueId];
    const [index, kept] = outputs as [ValueId, ValueId];
    const [k] = context.shape(scores) as [number];
    if (k > MOST_BOXES) {
      throw new ModelError('unsupported-operator', {
        thing: `node "${name}" (non_max_suppression) on webgpu`,
        found: `${k} boxes`,
        wanted: `at most ${MOST_BOXES}`,
        next: 'Take the best of them before.',
      });
    }
    const dispatches: Dispatch[] = [];
    const wide = boxes(context, boxIds, dispatches);
    const pitch = nextPower(k);
    const list: Binding = { kind: 'scratch', key: 'list', bytes: pitch * 8 };
    const state: Binding = { kind: 'scratch', key: 'state', bytes: 16 };
    const words = Math.ceil(k / 32);
    const mask: Binding = { kind: 'scratch', key: 'mask', bytes: k * words * 4 };
    const overlap = uniforms([k * words, words, k, { f32: iouThreshold }]);
    const sorted = sort(list, state, 1, pitch, k);
    dispatches.push(
      {
        kernel: 'nms_keys',
        overrides: {},
        bindings: [value(scores), value(count), list, state, { kind: 'uniform', data: uniforms([k]) }],
        workgroups: flatWorkgroups(k, FLAT_SIZE),
      },
      ...sorted.dispatches,
      {
        kernel: 'nms_overlap',
        overrides: { per_class: perClass ? 1 : 0 },
        bindings: [wide, value(labels), sorted.best, state, mask, { kind: 'uniform', data: overlap }],
        workgroups: flatWorkgroups(k * words, FLAT_SIZE),
      },
      {
        kernel: 'nms_scan',
        overrides: {},
        bindings: [mask, sorted.best, state, value(index), value(kept), { kind: 'uniform', data: uniforms([words, k]) }],
        workgroups: [1, 1, 1],
      },
    );
    return dispatches;
  },

  peak_top_k(context, { inputs, outputs, attributes: { window, k } }) {
    const [map, threshold] = inputs as [ValueId, ValueId];
    const [values, index, count] = outputs as [ValueId, ValueId, ValueId];
    const [, H, W, U] = context.shape(map) as [number, number, number, number];
    const length = H * W * U;
    const mask: Binding = { kind: 'scratch', key: 'mask', bytes: Math.ceil(length / 32) * 4 };
    const dispatch = (state: Binding): Dispatch => ({
      kernel: 'peak_scan',
      overrides: { fours: U % 4 === 0 ? 1 : 0 },
      bindings: [value(map), value(threshold), mask, state, uniform(length, H, W, U, (window - 1) / 2)],
      workgroups: flatWorkgroups(Math.ceil(length / 4), FLAT_SIZE),
    });
    const selection = select(map, false, 1, length, k, { mask, dispatch });
    return [...selection.dispatches, write('select_write', selection, 1, length, k, map, [values, index], value(count))];
  },

  top_k(context, { inputs, outputs, attributes: { k } }) {
    const x = inputs[0]!;
    const [values, index] = outputs as [ValueId, ValueId];
    const length = context.shape(x).at(-1)!;
    const rows = sizeOf(context.shape(x)) / length;
    const integer = context.dtype(x) === 'int32';
    const selection = select(x, integer, rows, length, k);
    const count: Binding = { kind: 'scratch', key: 'count', bytes: rows * 4 };
    const kernel = integer ? 'select_write_int' : 'select_write';
    return [...selection.dispatches, write(kernel, selection, rows, length, k, x, [values, index], count)];
  },
} satisfies LowerTable;
