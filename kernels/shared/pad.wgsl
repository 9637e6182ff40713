// The body of pad: elements added before and after each of up to 16 axes. Kernels name the element type `alias element` and make the constant
// from its bits: `fn constant_element(bits: u32) -> element`.
#import "flat.wgsl"

struct Shape {
  count: u32,
  rank: u32,
  // Bits of the constant: float32 or int32.
  value: u32,
  unused: u32,
  dims: array<vec4<u32>, 4>,
  sizes: array<vec4<i32>, 4>,
  before: array<vec4<i32>, 4>,
  strides: array<vec4<i32>, 4>,
}

// 0 constant, 1 reflect, 2 edge.
override mode: u32 = 0u;

@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read_write> y: array<element>;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= shape.count) {
    return;
  }
  var rest = i;
  var source = 0;
  var outside = false;
  for (var axis = shape.rank; axis > 0u; axis--) {
    let a = axis - 1u;
    let dim = shape.dims[a >> 2u][a & 3u];
    let whole = rest / dim;
    let size = shape.sizes[a >> 2u][a & 3u];
    var at = i32(rest - whole * dim) - shape.before[a >> 2u][a & 3u];
    rest = whole;
    if (at < 0 || at >= size) {
      outside = true;
      if (mode == 1u) {
        at = select(2 * (size - 1) - at, -at, at < 0);
      } else {
        at = select(size - 1, 0, at < 0);
      }
    }
    source += at * shape.strides[a >> 2u][a & 3u];
  }
  if (outside && mode == 0u) {
    y[i] = constant_element(shape.value);
  } else {
    y[i] = x[source];
  }
}
