// resize: nearest or bilinear, never antialiased, then activation.
// x [N,H,W,C], y [N,OH,OW,C], written in fours; taps [OH + OW]: for each row, then each column, the two source indices it reads and the weight of
// the second, computed in double precision when the model is loaded.
// Overrides: fours, 1 where C is a multiple of four; nearest, 1 where every weight is 0; activation, alpha, beta (shared/activation.wgsl).
// Dispatch: flat, one invocation for four elements.
#import "../shared/activation.wgsl"
#import "../shared/flat.wgsl"

override fours: u32 = 1u;
override nearest: u32 = 0u;

struct Tap {
  first: u32,
  second: u32,
  weight: f32,
  unused: u32,
}

struct Shape {
  vectors: u32,
  height: u32,
  width: u32,
  channels: u32,
  out_height: u32,
  out_width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read> taps: array<Tap>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<scalar>>;
@group(0) @binding(3) var<uniform> shape: Shape;

// Row and column taps of an element of the result, and the first element of its channel in the image.
struct Place {
  row: Tap,
  column: Tap,
  base: u32,
}

fn place_of(e: u32) -> Place {
  let c = e % shape.channels;
  var rest = e / shape.channels;
  let ox = rest % shape.out_width;
  rest /= shape.out_width;
  let oy = rest % shape.out_height;
  let n = rest / shape.out_height;
  return Place(taps[oy], taps[shape.out_height + ox], n * shape.height * shape.width * shape.channels + c);
}

fn at(p: Place, iy: u32, ix: u32) -> u32 {
  return p.base + (iy * shape.width + ix) * shape.channels;
}

fn load4(e: u32) -> vec4<f32> {
  return vec4<f32>(x[e >> 2u]);
}

fn load1(e: u32) -> f32 {
  return f32(x[e >> 2u][e & 3u]);
}

fn blend4(p: Place) -> vec4<f32> {
  if (nearest == 1u) {
    return load4(at(p, p.row.first, p.column.first));
  }
  let h = p.column.weight;
  let top = load4(at(p, p.row.first, p.column.first)) * (1.0 - h) + load4(at(p, p.row.first, p.column.second)) * h;
  let bottom = load4(at(p, p.row.second, p.column.first)) * (1.0 - h) + load4(at(p, p.row.second, p.column.second)) * h;
  return top * (1.0 - p.row.weight) + bottom * p.row.weight;
}

fn blend1(p: Place) -> f32 {
  if (nearest == 1u) {
    return load1(at(p, p.row.first, p.column.first));
  }
  let h = p.column.weight;
  let top = load1(at(p, p.row.first, p.column.first)) * (1.0 - h) + load1(at(p, p.row.first, p.column.second)) * h;
  let bottom = load1(at(p, p.row.second, p.column.first)) * (1.0 - h) + load1(at(p, p.row.second, p.column.second)) * h;
  return top * (1.0 - p.row.weight) + bottom * p.row.weight;
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
  let e = i * 4u;
  var value: vec4<f32>;
  if (fours == 1u) {
    value = blend4(place_of(e));
  } else {
    value = vec4<f32>(blend1(place_of(e)), blend1(place_of(e + 1u)), blend1(place_of(e + 2u)), blend1(place_of(e + 3u)));
  }
  y[i] = vec4<scalar>(activate4(value));
}
