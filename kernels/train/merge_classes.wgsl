// merge_classes: first step of MERGE (DaTaSeg Eq. 1): the row of the result that each mask proposal goes to, by the first largest of its class logits.
// classes [M, C], places [C] (-1: not merged), class_of [M].
// Overrides: alone: a proposal has one invocation.
// Dispatch: one workgroup for 256 / lanes proposals.
#import "../shared/rows.wgsl"

struct Shape {
  M: u32,
  C: u32,
  lanes: u32,
}

@group(0) @binding(0) var<storage, read> classes: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<i32>;
@group(0) @binding(2) var<storage, read_write> class_of: array<i32>;
@group(0) @binding(3) var<uniform> shape: Shape;

const lowest = -3.4028234e38;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = shape.lanes;
  let share = share_of(group, groups, index, lanes);
  let inside = share.row < shape.M;
  let base = share.row * shape.C;
  // The first largest of this invocation's columns.
  var most = lowest;
  var at = shape.C;
  for (var c = share.lane; inside && c < shape.C; c += lanes) {
    let x = max(classes[base + c], lowest);
    if (x > most || at == shape.C) {
      most = x;
      at = c;
    }
  }
  // Of all: whoever has less is out, and of the others the least column wins, which a float holds exactly.
  let best = most_of_row(share, lanes, most);
  if (most < best) {
    at = shape.C;
  }
  let first = u32(-most_of_row(share, lanes, -f32(at)));
  if (inside && share.lane == 0u) {
    class_of[share.row] = places[min(first, shape.C - 1u)];
  }
}
