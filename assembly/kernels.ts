// The entry of the kernels: runs the steps of a program that lies in linear memory. Here are the operators that gain from fused multiply-add, built
// with and without relaxed SIMD; all others are in the module of base.ts, on the same memory.
import { Flag, Head, Op, Step } from './records';
import { conv2d } from './ops/conv2d';
import { depthwise_conv2d } from './ops/depthwise_conv2d';
import { matmul } from './ops/matmul';
import { barrier } from './shared/parallel';
import { word } from './shared/simd';

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

/** `step` of base.ts. */
// @ts-ignore: decorator
@external("base", "step")
declare function baseStep(p: usize, thread: i32, threads: i32): void;

function step(p: usize, thread: i32, threads: i32): void {
  switch (word(p, Head.op)) {
    case Op.conv2d:
      return conv2d(p, thread, threads);
    case Op.depthwise_conv2d:
      return depthwise_conv2d(p, thread, threads);
    case Op.matmul:
      return matmul(p, thread, threads);
    default:
      baseStep(p, thread, threads);
  }
}
