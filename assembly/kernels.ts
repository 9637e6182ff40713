// The one entry of the kernels: runs the steps of a program that lies in linear memory. The relaxed build holds only the operators that gain from
// fused multiply-add and calls the plain build, on the same memory, for all others.
import { Flag, Head, Op, Step } from './records';
import { activation } from './ops/activation';
import { average_pool } from './ops/average_pool';
import { binary } from './ops/binary';
import { cast } from './ops/cast';
import { compare } from './ops/compare';
import { conv2d, scale_panels } from './ops/conv2d';
import { copy, fill } from './ops/copy';
import { depthwise_conv2d, scale_rows } from './ops/depthwise_conv2d';
import { gather } from './ops/gather';
import { gather_rows } from './ops/gather_rows';
import { image_to_tensor } from './ops/image_to_tensor';
import { matmul, pack_panels } from './ops/matmul';
import { max_pool } from './ops/max_pool';
import { peak_top_k, peak_top_k_merge } from './ops/peak_top_k';
import { reduce } from './ops/reduce';
import { resize } from './ops/resize';
import { score_merge } from './ops/score_merge';
import { softmax } from './ops/softmax';
import { top_k } from './ops/top_k';
import { unary } from './ops/unary';
import { barrier } from './shared/parallel';
import { word } from './shared/simd';

/** First free address behind the module's own data. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * Runs steps [first, last) of a program. With several threads every thread calls it with the same arguments but its own `thread`; they meet
 * after each step at the barrier in `control`. True if the frame was stopped on the way. One thread never touches `control`.
 */
export function run(program: usize, first: i32, last: i32, thread: i32, threads: i32, control: usize): bool {
  for (let i = first; i < last; i++) {
    const p = program + <usize>i * Step.bytes;
    const flags = word(p, Head.flags);
    if (!(flags & Flag.serial)) step(p, thread, threads);
    else if (thread == 0) step(p, 0, 1);
    if (threads > 1 && !(flags & Flag.no_barrier) && barrier(control, threads)) return true;
  }
  return false;
}

/** Part `part` of `parts` of one step: a long step on one thread, in pieces. */
export function part(program: usize, index: i32, part: i32, parts: i32): void {
  step(program + <usize>index * Step.bytes, part, parts);
}

/** `step` of the plain build; an import of the relaxed one alone. */
// @ts-ignore: decorator
@external("plain", "step")
declare function plainStep(p: usize, thread: i32, threads: i32): void;

/** Does one step. */
export function step(p: usize, thread: i32, threads: i32): void {
  switch (word(p, Head.op)) {
    case Op.conv2d:
      return conv2d(p, thread, threads);
    case Op.depthwise_conv2d:
      return depthwise_conv2d(p, thread, threads);
    case Op.matmul:
      return matmul(p, thread, threads);
    default:
      if (ASC_FEATURE_RELAXED_SIMD) plainStep(p, thread, threads);
      else others(p, thread, threads);
  }
}

function others(p: usize, thread: i32, threads: i32): void {
  switch (word(p, Head.op)) {
    case Op.pack_panels:
      return pack_panels(p, thread, threads);
    case Op.scale_panels:
      return scale_panels(p, thread, threads);
    case Op.scale_rows:
      return scale_rows(p, thread, threads);
    case Op.activation:
      return activation(p, thread, threads);
    case Op.unary:
      return unary(p, thread, threads);
    case Op.binary:
      return binary(p, thread, threads);
    case Op.compare:
      return compare(p, thread, threads);
    case Op.max_pool:
      return max_pool(p, thread, threads);
    case Op.average_pool:
      return average_pool(p, thread, threads);
    case Op.reduce:
      return reduce(p, thread, threads);
    case Op.resize:
      return resize(p, thread, threads);
    case Op.copy:
      return copy(p, thread, threads);
    case Op.fill:
      return fill(p, thread, threads);
    case Op.softmax:
      return softmax(p, thread, threads);
    case Op.cast:
      return cast(p, thread, threads);
    case Op.gather:
      return gather(p, thread, threads);
    case Op.top_k:
      return top_k(p, thread, threads);
    case Op.score_merge:
      return score_merge(p, thread, threads);
    case Op.peak_top_k:
      return peak_top_k(p, thread, threads);
    case Op.peak_top_k_merge:
      return peak_top_k_merge(p, thread, threads);
    case Op.gather_rows:
      return gather_rows(p, thread, threads);
    case Op.image_to_tensor:
      return image_to_tensor(p, thread, threads);
  }
}
