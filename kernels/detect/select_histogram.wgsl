// peak_top_k and top_k: one pass of radix selection. Derives from the bins of the pass before which digit the k-th best has, then counts the next digit
// of the pairs that share its prefix. Nothing is done where the list holds no more than k pairs, or the cut is already exact.
// list [rows, pitch] pairs; state (shared/select.wgsl).
// Overrides: none.
// Dispatch: [groups that share a row, rows]; one dispatch a pass.
#import "../shared/select.wgsl"

struct Shape {
  pitch: u32,
  state_pitch: u32,
  k: u32,
  pass_index: u32,
  // Passes over the order; the others are over the index.
  order_passes: u32,
  // Shift of the digit of this pass and of the one before; and the largest index.
  shift: u32,
  shift_before: u32,
  largest: u32,
}

@group(0) @binding(0) var<storage, read> list: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> shape: Shape;

var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> sums: array<u32, 256>;
var<workgroup> chosen: Selection;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * shape.state_pitch;
  let count = atomicLoad(&state[row]);
  let pass_index = shape.pass_index;
  if (pass_index == 0u) {
    if (lane == 0u) {
      chosen = Selection(select(0u, 1u, count <= shape.k), 0u, 0u, shape.k);
    }
  } else {
    let before = row + state_head + (pass_index - 1u) * 4u;
    if (lane == 0u) {
      chosen = Selection(
        atomicLoad(&state[before]),
        atomicLoad(&state[before + 1u]),
        atomicLoad(&state[before + 2u]),
        atomicLoad(&state[before + 3u]),
      );
    }
    // Pairs at or above each digit: a sum from the top, in place.
    let mine = atomicLoad(&state[row + state_bins + (pass_index - 1u) * 256u + lane]);
    sums[lane] = mine;
    for (var reach = 1u; reach < 256u; reach *= 2u) {
      workgroupBarrier();
      let other = select(0u, sums[min(lane + reach, 255u)], lane + reach < 256u);
      workgroupBarrier();
      sums[lane] += other;
    }
    workgroupBarrier();
    let above = sums[lane] - mine;
    let old = chosen;
    workgroupBarrier();
    if (old.settled == 0u && above < old.remaining && sums[lane] >= old.remaining) {
      let remaining = old.remaining - above;
      let digit = lane << shape.shift_before;
      chosen.settled = select(0u, 1u, mine == remaining);
      chosen.remaining = remaining;
      if (pass_index - 1u < shape.order_passes) {
        chosen.order = old.order | digit;
      } else {
        chosen.inverse = old.inverse | digit;
      }
    }
  }
  atomicStore(&bins[lane], 0u);
  let cut = workgroupUniformLoad(&chosen);
  if (group.x == 0u && lane == 0u) {
    let now = row + state_head + pass_index * 4u;
    atomicStore(&state[now], cut.settled);
    atomicStore(&state[now + 1u], cut.order);
    atomicStore(&state[now + 2u], cut.inverse);
    atomicStore(&state[now + 3u], cut.remaining);
  }
  if (cut.settled == 1u) {
    return;
  }
  let by_index = pass_index >= shape.order_passes;
  // The bits above the digit: a shift by 32 is not defined.
  let above_digit = shape.shift + 8u;
  for (var i = group.x * 256u + lane; i < count; i += groups.x * 256u) {
    let pair = list[group.y * shape.pitch + i];
    var number = pair.x;
    var same = true;
    if (by_index) {
      same = pair.x == cut.order;
      number = shape.largest - pair.y;
    }
    let prefix = select(cut.order, cut.inverse, by_index);
    if (same && (above_digit >= 32u || (number >> min(above_digit, 31u)) == (prefix >> min(above_digit, 31u)))) {
      atomicAdd(&bins[(number >> shape.shift) & 255u], 1u);
    }
  }
  workgroupBarrier();
  let total = atomicLoad(&bins[lane]);
  if (total > 0u) {
    atomicAdd(&state[row + state_bins + pass_index * 256u + lane], total);
  }
}
