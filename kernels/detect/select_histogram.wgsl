// peak_top_k and top_k: one pass of radix selection. Derives from the bins of the pass before which digit the k-th best has, then counts the next digit
// of the pairs that share its prefix. Nothing is done where the list holds no more than k pairs, or the cut is already exact.
// list [rows, pitch] pairs; state, bins, cut_before (of the pass before) and cut (shared/select.wgsl).
// Overrides: none.
// Dispatch: [groups that share a row, rows]; one dispatch a pass, and one behind the last that only derives the cut.
#import "../shared/select.wgsl"

struct Shape {
  pitch: u32,
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

@group(0) @binding(0) var<storage, read> list: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> bins: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read> cut_before: array<Selection>;
@group(0) @binding(4) var<storage, read_write> cut: array<Selection>;
@group(0) @binding(5) var<uniform> shape: Shape;

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> sums: array<u32, 256>;
var<workgroup> sixteens: array<u32, 16>;
var<workgroup> chosen: Selection;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y;
  let count = state[row * state_words];
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
  let by_index = shape.pass_index >= shape.order_passes;
  // The bits above the digit; a shift by 32 is not defined.
  let above_digit = shape.shift + 8u;
  let prefix = select(now.order, now.inverse, by_index);
  for (var i = group.x * 256u + lane; i < count && now.settled == 0u; i += groups.x * 256u) {
    let pair = list[row * shape.pitch + i];
    let number = select(pair.x, shape.largest - pair.y, by_index);
    let same = !by_index || pair.x == now.order;
    if (same && (above_digit >= 32u || (number >> min(above_digit, 31u)) == (prefix >> min(above_digit, 31u)))) {
      atomicAdd(&counts[(number >> shape.shift) & 255u], 1u);
    }
  }
  workgroupBarrier();
  let total = atomicLoad(&counts[lane]);
  if (total > 0u) {
    atomicAdd(&bins[bins_of_row + lane], total);
  }
}
