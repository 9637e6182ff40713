// Operands, loads and stores of the convolutions that sum in registers, for any numbers of channels. Weights are padded to fours with zeros.
#import "epilogue.wgsl"

@group(0) @binding(0) var<storage, read> x: array<scalar>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<scalar>>;
@group(0) @binding(2) var<storage, read> bias: array<scalar>;
@group(0) @binding(3) var<storage, read> residual: array<scalar>;
@group(0) @binding(4) var<storage, read> gate: array<scalar>;
@group(0) @binding(5) var<storage, read_write> y: array<scalar>;

// Channels behind the last one of the group are zero: they may belong to another group or be no number at all.
fn load_x(at: u32, c: u32) -> vec4<f32> {
  let start = at + c * 4u;
  let value = vec4<f32>(f32(x[start]), f32(x[start + 1u]), f32(x[start + 2u]), f32(x[start + 3u]));
  if (c * 4u + 4u <= shape.group_units) {
    return value;
  }
  return select(vec4<f32>(0.0), value, vec4<u32>(c * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(shape.group_units));
}

fn load_gate(n: u32, channel: u32, c: u32) -> vec4<f32> {
  let start = n * shape.pitch + channel + c * 4u;
  let value = vec4<f32>(f32(gate[start]), f32(gate[start + 1u]), f32(gate[start + 2u]), f32(gate[start + 3u]));
  return select(vec4<f32>(0.0), value, vec4<u32>(c * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(shape.group_units));
}

fn load_bias(group: u32, o: u32) -> vec4<f32> {
  let whole = shape.out_group_units;
  let at = vec4<u32>(group * whole) + min(vec4<u32>(o * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(whole - 1u));
  return vec4<f32>(f32(bias[at.x]), f32(bias[at.y]), f32(bias[at.z]), f32(bias[at.w]));
}

fn finish(pixel: u32, group: u32, o: u32, sum: vec4<f32>) {
  let whole = shape.out_group_units;
  let first = o * 4u;
  if (first >= whole) {
    return;
  }
  let count = min(whole - first, 4u);
  let start = group * whole + first;
  var addend = vec4<f32>(0.0);
  if (residual_at != 0u) {
    let place = vec4<u32>(pixel * shape.residual_pitch + start) + min(vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(count - 1u));
    addend = vec4<f32>(f32(residual[place.x]), f32(residual[place.y]), f32(residual[place.z]), f32(residual[place.w]));
  }
  let value = finished(sum, addend);
  let to = pixel * shape.out_pitch + shape.out_offset + start;
  y[to] = scalar(value.x);
  if (count > 1u) {
    y[to + 1u] = scalar(value.y);
  }
  if (count > 2u) {
    y[to + 2u] = scalar(value.z);
  }
  if (count > 3u) {
    y[to + 3u] = scalar(value.w);
  }
}
