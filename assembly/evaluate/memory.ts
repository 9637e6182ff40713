// Linear memory of the evaluator: one stack of regions that grows at its end. Nothing is freed one by one.

/** First free byte, a multiple of 16. */
let top: usize = (__heap_base + 15) & ~15;

/** Takes `bytes` from the end of memory, aligned to 16. The content is what was there before. Traps where memory cannot grow. */
export function allocate(bytes: usize): usize {
  const start = top;
  top = (start + bytes + 15) & ~15;
  ensure(top);
  return start;
}

/** Makes memory reach to `end` at least: for scratch above the stack, which the next allocation may overwrite. */
export function ensure(end: usize): void {
  const pages = <i32>((end + 0xffff) >>> 16) - <i32>memory.size();
  // Grown in steps of an eighth, so that small steps are rare.
  if (pages > 0 && memory.grow(max(pages, <i32>memory.size() >> 3)) < 0 && memory.grow(pages) < 0) unreachable();
}

/** Where the stack ends now: give it to `release` to drop what was allocated since. */
export function mark(): usize {
  return top;
}

export function release(to: usize): void {
  top = to;
}
