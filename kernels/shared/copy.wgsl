// A strided copy: every element of a box of up to 16 axes goes from its place in x to its place in y. Kernels name the element type:
// `alias element`, one number or four neighbours of it; sizes and strides count elements.
// concat, slice and transpose are such copies; several dispatches may write parts of one y.
#import "flat.wgsl"

struct Shape {
  count: u32,
  rank: u32,
  // First element read and written.
  start_x: u32,
  start_y: u32,
  dims: array<vec4<u32>, 4>,
  strides_x: array<vec4<i32>, 4>,
  strides_y: array<vec4<i32>, 4>,
}

@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read_write> y: array<element>;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  var rest = flat_index(group, groups, lane);
  if (rest >= shape.count) {
    return;
  }
  var source = i32(shape.start_x);
  var goal = i32(shape.start_y);
  for (var axis = shape.rank; axis > 0u; axis--) {
    let a = axis - 1u;
    let size = shape.dims[a >> 2u][a & 3u];
    let whole = rest / size;
    let place = i32(rest - whole * size);
    source += place * shape.strides_x[a >> 2u][a & 3u];
    goal += place * shape.strides_y[a >> 2u][a & 3u];
    rest = whole;
  }
  y[goal] = x[source];
}
