// Stable sorting by descending score: doubles become integers whose ascending order is the wanted one, then insertion or radix sort.

/** Ascending keys mean descending scores; 0 and -0 are equal; NaN comes last. */
// @ts-ignore: decorator
@inline export function sortKey(score: f64): u64 {
  if (score != score) return u64.MAX_VALUE;
  const bits = reinterpret<i64>(score + 0.0);
  return ~(<u64>(bits ^ ((bits >> 63) | i64.MIN_VALUE)));
}

const counts = memory.data(8 * 256 * 4, 16);

/**
 * Sorts `keys` (u64) ascending with their `rows` (u32), stable. `scratch` has room for as many of both (12 bytes each). Short lists by
 * insertion; long ones by bytes from the lowest (LSD radix), leaving out bytes that are the same everywhere.
 */
export function sortRows(keys: usize, rows: usize, count: usize, scratch: usize): void {
  if (count < 40) {
    for (let i: usize = 1; i < count; i++) {
      const key = load<u64>(keys + (i << 3));
      const row = load<u32>(rows + (i << 2));
      let j = i;
      while (j > 0 && load<u64>(keys + (j << 3) - 8) > key) {
        store<u64>(keys + (j << 3), load<u64>(keys + (j << 3) - 8));
        store<u32>(rows + (j << 2), load<u32>(rows + (j << 2) - 4));
        j--;
      }
      store<u64>(keys + (j << 3), key);
      store<u32>(rows + (j << 2), row);
    }
    return;
  }
  memory.fill(counts, 0, 8192);
  for (let i: usize = 0; i < count; i++) {
    let key = load<u64>(keys + (i << 3));
    for (let c = counts; c < counts + 8192; c += 1024) {
      const at = c + (<usize>(key & 255) << 2);
      store<u32>(at, load<u32>(at) + 1);
      key >>= 8;
    }
  }
  let fromKeys = keys, fromRows = rows, toKeys = scratch, toRows = scratch + (count << 3);
  for (let shift: u64 = 0; shift < 64; shift += 8) {
    const c = counts + (<usize>shift << 7);
    const firstByte = <usize>((load<u64>(fromKeys) >> shift) & 255);
    if (load<u32>(c + (firstByte << 2)) == <u32>count) continue;
    let sum: u32 = 0;
    for (let b = c; b < c + 1024; b += 4) {
      const n = load<u32>(b);
      store<u32>(b, sum);
      sum += n;
    }
    for (let i: usize = 0; i < count; i++) {
      const key = load<u64>(fromKeys + (i << 3));
      const at = c + (<usize>((key >> shift) & 255) << 2);
      const place = <usize>load<u32>(at);
      store<u32>(at, <u32>place + 1);
      store<u64>(toKeys + (place << 3), key);
      store<u32>(toRows + (place << 2), load<u32>(fromRows + (i << 2)));
    }
    let t = fromKeys;
    fromKeys = toKeys;
    toKeys = t;
    t = fromRows;
    fromRows = toRows;
    toRows = t;
  }
  if (fromKeys != keys) {
    memory.copy(keys, fromKeys, count << 3);
    memory.copy(rows, fromRows, count << 2);
  }
}
