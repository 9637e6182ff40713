// peak_top_k, first step: marks the elements that reach the threshold and are at least as large as all their neighbours in their channel.
// map [1, H, W, U]; threshold [1]; mask: one bit an element; state: word 0 counts the bits.
// Overrides: fours, 1 where U is a multiple of four.
// Dispatch: flat, one invocation for four elements. mask and state are zeroed before (select_clear).
#import "../shared/order.wgsl"
#import "../shared/flat.wgsl"

override fours: u32 = 1u;

struct Shape {
  total: u32,
  height: u32,
  width: u32,
  labels: u32,
  radius: u32,
}

@group(0) @binding(0) var<storage, read> map: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read> threshold: array<scalar>;
@group(0) @binding(2) var<storage, read_write> mask: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(4) var<uniform> shape: Shape;

// Neither NaN nor what stands beside it is a peak: as a centre it is left out, as a neighbour it is above everything.
const nan_order = 0xffffffffu;

// Rows [x, y) and columns [z, w) of the neighbourhood of a pixel.
fn neighbourhood(pixel: u32) -> vec4<u32> {
  let y = pixel / shape.width;
  let x = pixel - y * shape.width;
  return vec4<u32>(
    y - min(y, shape.radius),
    min(y + shape.radius + 1u, shape.height),
    x - min(x, shape.radius),
    min(x + shape.radius + 1u, shape.width),
  );
}

// Largest order in the neighbourhood of four channels, whose first element is e.
fn highest4(e: u32) -> vec4<u32> {
  let pixel = e / shape.labels;
  let around = neighbourhood(pixel);
  let channel = e - pixel * shape.labels;
  var most = vec4<u32>(0u);
  for (var y = around.x; y < around.y; y++) {
    for (var x = around.z; x < around.w; x++) {
      most = max(most, order4(vec4<f32>(map[((y * shape.width + x) * shape.labels + channel) >> 2u]), nan_order));
    }
  }
  return most;
}

fn highest(e: u32) -> u32 {
  let pixel = e / shape.labels;
  let around = neighbourhood(pixel);
  let channel = e - pixel * shape.labels;
  var most = 0u;
  for (var y = around.x; y < around.y; y++) {
    for (var x = around.z; x < around.w; x++) {
      let at = (y * shape.width + x) * shape.labels + channel;
      most = max(most, order(f32(map[at >> 2u][at & 3u]), nan_order));
    }
  }
  return most;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let e = flat_index(group, groups, lane) * 4u;
  if (e >= shape.total) {
    return;
  }
  let keys = order4(vec4<f32>(map[e >> 2u]), nan_order);
  let least = order(f32(threshold[0]), nan_order);
  let inside = vec4<u32>(e, e + 1u, e + 2u, e + 3u) < vec4<u32>(shape.total);
  var peaks = inside & (keys >= vec4<u32>(least)) & (keys != vec4<u32>(nan_order));
  if (!any(peaks)) {
    return;
  }
  if (fours == 1u) {
    peaks &= keys >= highest4(e);
  } else {
    for (var j = 0u; j < 4u; j++) {
      if (peaks[j]) {
        peaks[j] = keys[j] >= highest(e + j);
      }
    }
  }
  // Peaks are few as a rule, so that bits are set and counted where they are; a count a workgroup would need barriers in every one of them.
  let bits = dot(select(vec4<u32>(0u), vec4<u32>(1u, 2u, 4u, 8u), peaks), vec4<u32>(1u));
  if (bits != 0u) {
    atomicOr(&mask[e / 32u], bits << (e & 31u));
    atomicAdd(&state[0], countOneBits(bits));
  }
}
