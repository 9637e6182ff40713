// The body of select_histogram. Kernels give `alias element` and `fn key(x: element) -> u32`, the order of a value.
#import "select.wgsl"

struct Shape {
  length: u32,
  k: u32,
  pass_index: u32,
  passes: u32,
  // Passes over the order; the others are over the index.
  order_passes: u32,
  // Shift of the digit of this pass and of the one before; and the largest index.
  shift: u32,
  shift_before: u32,
  largest: u32,
}

@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> bins: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read> cut_before: array<Selection>;
@group(0) @binding(5) var<storage, read_write> cut: array<Selection>;
@group(0) @binding(6) var<uniform> shape: Shape;

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> sums: array<u32, 256>;
var<workgroup> sixteens: array<u32, 16>;
var<workgroup> chosen: Selection;

// Counts the digit of element i, if it shares the prefix.
fn count_digit(row: u32, i: u32, now: Selection) {
  let rank = key(x[row * shape.length + i]);
  let by_index = shape.pass_index >= shape.order_passes;
  if (by_index && rank != now.order) {
    return;
  }
  let number = select(rank, shape.largest - i, by_index);
  let prefix = select(now.order, now.inverse, by_index);
  // The bits above the digit; a shift by 32 is not defined.
  let above = shape.shift + 8u;
  if (above >= 32u || (number >> min(above, 31u)) == (prefix >> min(above, 31u))) {
    atomicAdd(&counts[(number >> shape.shift) & 255u], 1u);
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y;
  let count = select(shape.length, state[row * state_words], masked == 1u);
  let writes = group.x == 0u && lane == 0u;
  var before = Selection(select(0u, 1u, count <= shape.k), 0u, 0u, shape.k);
  if (shape.pass_index > 0u) {
    before = cut_before[row];
  }
  // The same for all invocations of the workgroup: what is read here is written by no one.
  if (before.settled == 1u) {
    if (writes) {
      cut[row] = before;
    }
    return;
  }
  let bins_of_row = (row * shape.passes + shape.pass_index) * 256u;
  var now = before;
  if (shape.pass_index > 0u) {
    // Pairs above each digit: those of the higher sixteens, and of the higher digits of its own.
    let mine = atomicLoad(&bins[bins_of_row - 256u + lane]);
    sums[lane] = mine;
    workgroupBarrier();
    if (lane < 16u) {
      var sum = 0u;
      for (var j = 0u; j < 16u; j++) {
        sum += sums[lane * 16u + j];
      }
      sixteens[lane] = sum;
    }
    workgroupBarrier();
    var above = 0u;
    for (var j = lane / 16u + 1u; j < 16u; j++) {
      above += sixteens[j];
    }
    for (var j = lane + 1u; j % 16u != 0u; j++) {
      above += sums[j];
    }
    if (above < before.remaining && above + mine >= before.remaining) {
      let digit = lane << shape.shift_before;
      let by_order = shape.pass_index - 1u < shape.order_passes;
      chosen = Selection(
        select(0u, 1u, above + mine == before.remaining),
        before.order | select(0u, digit, by_order),
        before.inverse | select(digit, 0u, by_order),
        before.remaining - above,
      );
    }
    workgroupBarrier();
    now = chosen;
  }
  if (writes) {
    cut[row] = now;
  }
  if (shape.pass_index == shape.passes) {
    return;
  }
  if (now.settled == 0u) {
    if (masked == 1u) {
      let words = (shape.length + 31u) / 32u;
      for (var w = group.x * 256u + lane; w < words; w += groups.x * 256u) {
        for (var rest = mask[row * words + w]; rest != 0u; rest &= rest - 1u) {
          count_digit(row, w * 32u + firstTrailingBit(rest), now);
        }
      }
    } else {
      for (var i = group.x * 256u + lane; i < shape.length; i += groups.x * 256u) {
        count_digit(row, i, now);
      }
    }
  }
  workgroupBarrier();
  let total = atomicLoad(&counts[lane]);
  if (total > 0u) {
    atomicAdd(&bins[bins_of_row + lane], total);
  }
}
