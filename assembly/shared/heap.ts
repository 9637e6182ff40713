// The k best of many, as a binary heap of i64 keys with the worst at the root. Larger keys are better; all keys differ.

/** Key of a float32: larger numbers first, then lower index; NaN behind all numbers, -0 equal to 0. */
// @ts-ignore: decorator
@inline
export function keyOf(value: f32, index: i32): i64 {
  let bits = reinterpret<i32>(value + 0);
  bits ^= (bits >> 31) & 0x7fffffff;
  if (value != value) bits = i32.MIN_VALUE;
  return integerKey(bits, index);
}

// @ts-ignore: decorator
@inline
export function integerKey(value: i32, index: i32): i64 {
  return (<i64>value << 32) | <i64>(~(<u32>index));
}

// @ts-ignore: decorator
@inline
export function indexOf(key: i64): i32 {
  return ~(<i32>key);
}

/** Adds a key to a heap of `count` keys that may hold `most`; gives the new count. A full heap drops its worst key. */
export function push(heap: usize, count: i32, most: i32, key: i64): i32 {
  if (count == most) {
    if (most > 0 && key > load<i64>(heap)) sink(heap, count, 0, key);
    return count;
  }
  let i = count;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = load<i64>(heap + (<usize>parent << 3));
    if (above <= key) break;
    store<i64>(heap + (<usize>i << 3), above);
    i = parent;
  }
  store<i64>(heap + (<usize>i << 3), key);
  return count + 1;
}

/** Puts `key` at hole `i` or below. */
function sink(heap: usize, count: i32, i: i32, key: i64): void {
  while (true) {
    let child = 2 * i + 1;
    if (child >= count) break;
    let least = load<i64>(heap + (<usize>child << 3));
    if (child + 1 < count) {
      const right = load<i64>(heap + (<usize>(child + 1) << 3));
      if (right < least) {
        least = right;
        child++;
      }
    }
    if (least >= key) break;
    store<i64>(heap + (<usize>i << 3), least);
    i = child;
  }
  store<i64>(heap + (<usize>i << 3), key);
}

/** Turns the heap into a list, best key first. */
export function sortDown(heap: usize, count: i32): void {
  for (let end = count - 1; end > 0; end--) {
    const last = heap + (<usize>end << 3);
    const key = load<i64>(last);
    store<i64>(last, load<i64>(heap));
    sink(heap, end, 0, key);
  }
}
