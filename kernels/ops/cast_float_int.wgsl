// cast from float32: truncated towards zero and saturated, NaN gives 0; to bool 1 where x is not 0.
// x [any shape], y [same shape] int32, uint8 or bool, read in fours.
// Overrides: target_type, 0 int32, 1 uint8, 2 bool.
// Dispatch: flat, one invocation for four elements.
#import "../shared/math.wgsl"
#import "../shared/flat.wgsl"

override target_type: u32 = 0u;

struct Shape {
  vectors: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<i32>>;
@group(0) @binding(2) var<uniform> shape: Shape;

fn convert(v: vec4<f32>) -> vec4<i32> {
  if (target_type == 2u) {
    return select(vec4<i32>(0), vec4<i32>(1), (bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) != vec4<u32>(0u));
  }
  let number = select(v, vec4<f32>(0.0), is_nan4(v));
  if (target_type == 1u) {
    return vec4<i32>(clamp(number, vec4<f32>(0.0), vec4<f32>(255.0)));
  }
  // 2147483520 is the largest float32 below 2^31.
  let inside = vec4<i32>(clamp(number, vec4<f32>(-2147483648.0), vec4<f32>(2147483520.0)));
  return select(inside, vec4<i32>(0x7fffffff), number >= vec4<f32>(2147483648.0));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= shape.vectors) {
    return;
  }
  y[i] = convert(vec4<f32>(x[i]));
}
