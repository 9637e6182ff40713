// softmax: exp(x - max) / sum along one axis; the shift by the maximum keeps exp from overflowing.
// x, y [outer, length, inner].
// Overrides: lanes, contiguous (shared/lines.wgsl).
// Dispatch: one workgroup for 256 / lanes lines.
#import "../shared/bits.wgsl"
#import "../shared/lines.wgsl"

@group(0) @binding(0) var<storage, read> x: array<scalar>;
@group(0) @binding(1) var<storage, read_write> y: array<scalar>;
@group(0) @binding(2) var<uniform> shape: Shape;

var<workgroup> parts: array<f32, 256>;
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let share = share_of(group, groups, index);
  let inside = share.line < shape.lines;
  let end = select(0u, shape.length, inside);
  var most = -infinity();
  for (var k = share.lane; k < end; k += lanes) {
    most = max(most, f32(x[share.base + k * shape.inner]));
  }
  let first = share.slot - share.lane * share.step;
  // Up to 16 invocations combine the parts of a line, then all of them what these have.
  parts[share.slot] = most;
  workgroupBarrier();
  if (share.lane < 16u) {
    for (var k = share.lane + 16u; k < lanes; k += 16u) {
      most = max(most, parts[first + k * share.step]);
    }
    parts[share.slot] = most;
  }
  workgroupBarrier();
  for (var k = 0u; k < min(lanes, 16u); k++) {
    most = max(most, parts[first + k * share.step]);
  }
  var sum = 0.0;
  for (var k = share.lane; k < end; k += lanes) {
    sum += exp(f32(x[share.base + k * shape.inner]) - most);
  }
  sums[share.slot] = sum;
  workgroupBarrier();
  if (share.lane < 16u) {
    for (var k = share.lane + 16u; k < lanes; k += 16u) {
      sum += sums[first + k * share.step];
    }
    sums[share.slot] = sum;
  }
  workgroupBarrier();
  sum = 0.0;
  for (var k = 0u; k < min(lanes, 16u); k++) {
    sum += sums[first + k * share.step];
  }
  for (var k = share.lane; k < end; k += lanes) {
    let at = share.base + k * shape.inner;
    y[at] = scalar(exp(f32(x[at]) - most) / sum);
  }
}
