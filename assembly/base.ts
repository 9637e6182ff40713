// The operators that gain nothing from fused multiply-add, as a module of its own: one build for all engines, called by the kernels.
import { Head, Op } from './records';
import { activation } from './ops/activation';
import { average_pool } from './ops/average_pool';
import { binary } from './ops/binary';
import { box_decode } from './ops/box_decode';
import { cast } from './ops/cast';
import { compare } from './ops/compare';
import { scale_panels } from './ops/conv2d';
import { copy, fill } from './ops/copy';
import { scale_rows } from './ops/depthwise_conv2d';
import { gather } from './ops/gather';
import { gather_rows } from './ops/gather_rows';
import { image_to_tensor } from './ops/image_to_tensor';
import { pack_panels } from './ops/matmul';
import { max_pool } from './ops/max_pool';
import { non_max_suppression } from './ops/non_max_suppression';
import { pairwise_iou } from './ops/pairwise_iou';
import { peak_top_k, peak_top_k_merge } from './ops/peak_top_k';
import { reduce } from './ops/reduce';
import { resize } from './ops/resize';
import { score_merge } from './ops/score_merge';
import { softmax } from './ops/softmax';
import { top_k } from './ops/top_k';
import { unary } from './ops/unary';
import { where } from './ops/where';
import { winograd_input, winograd_output } from './ops/winograd';
import { word } from './shared/simd';

/** First free address behind the module's own data; the kernels have none. */
export function heapBase(): usize {
  return __heap_base;
}

/** Does one step. */
export function step(p: usize, thread: i32, threads: i32): void {
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
    case Op.box_decode:
      return box_decode(p, thread, threads);
    case Op.pairwise_iou:
      return pairwise_iou(p, thread, threads);
    case Op.non_max_suppression:
      return non_max_suppression(p, thread, threads);
    case Op.winograd_input:
      return winograd_input(p, thread, threads);
    case Op.winograd_output:
      return winograd_output(p, thread, threads);
    case Op.where:
      return where(p, thread, threads);
  }
}
