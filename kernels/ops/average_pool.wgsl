// average_pool: mean over each window; padding counts as zeros only where asked.
// x [N,H,W,C], y [N,OH,OW,C], written in fours.
// Overrides: fours, 1 where C is a multiple of four; count_padding, 1 to divide by the whole window.
// Dispatch: flat, one invocation for four elements.
#import "../shared/flat.wgsl"

struct Shape {
  // Elements of the result in fours, rounded up.
  vectors: u32,
  height: u32,
  width: u32,
  channels: u32,
  out_height: u32,
  out_width: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  pad_top: u32,
  pad_left: u32,
}

// 1 where the channels are a multiple of four, so that four neighbours of the result share one window.
override fours: u32 = 1u;
override count_padding: u32 = 0u;

@group(0) @binding(0) var<storage, read> x: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<scalar>>;
@group(0) @binding(2) var<uniform> shape: Shape;

// The window of an element of the result: the image's first element of that channel, and rows and columns [from, to) inside the image.
struct Window {
  base: u32,
  rows: vec2<u32>,
  columns: vec2<u32>,
}

fn window_of(e: u32) -> Window {
  let c = e % shape.channels;
  var rest = e / shape.channels;
  let ox = rest % shape.out_width;
  rest /= shape.out_width;
  let oy = rest % shape.out_height;
  let n = rest / shape.out_height;
  let y0 = i32(oy * shape.stride_y) - i32(shape.pad_top);
  let x0 = i32(ox * shape.stride_x) - i32(shape.pad_left);
  let rows = vec2<u32>(u32(max(y0, 0)), u32(clamp(y0 + i32(shape.kernel_height), 0, i32(shape.height))));
  let columns = vec2<u32>(u32(max(x0, 0)), u32(clamp(x0 + i32(shape.kernel_width), 0, i32(shape.width))));
  return Window(n * shape.height * shape.width * shape.channels + c, rows, columns);
}

fn divisor(p: Window) -> f32 {
  if (count_padding == 1u) {
    return f32(shape.kernel_height * shape.kernel_width);
  }
  return f32((p.rows.y - p.rows.x) * (p.columns.y - p.columns.x));
}

fn mean4(p: Window) -> vec4<f32> {
  var sum = vec4<f32>(0.0);
  for (var iy = p.rows.x; iy < p.rows.y; iy++) {
    for (var ix = p.columns.x; ix < p.columns.y; ix++) {
      sum += vec4<f32>(x[(p.base + (iy * shape.width + ix) * shape.channels) >> 2u]);
    }
  }
  return sum / divisor(p);
}

fn mean(p: Window) -> f32 {
  var sum = 0.0;
  for (var iy = p.rows.x; iy < p.rows.y; iy++) {
    for (var ix = p.columns.x; ix < p.columns.y; ix++) {
      let at = p.base + (iy * shape.width + ix) * shape.channels;
      sum += f32(x[at >> 2u][at & 3u]);
    }
  }
  return sum / divisor(p);
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
  if (fours == 1u) {
    y[i] = vec4<scalar>(mean4(window_of(e)));
  } else {
    y[i] = vec4<scalar>(vec4<f32>(mean(window_of(e)), mean(window_of(e + 1u)), mean(window_of(e + 2u)), mean(window_of(e + 3u))));
  }
}
