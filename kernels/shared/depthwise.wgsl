// The body of the depthwise convolutions: one invocation sums four pixels of a row of four channels; the window slides over registers.
// A kernel that imports it binds the operands and brings load_x, load_weight and finish.
// Overrides: slide, how pixels are read: 1 at stride 1 and 2 at stride 2 (both without dilation) every pixel of x once a row of the
// window, 0 at any stride and dilation four a tap; taps, the width of the window.
#import "flat.wgsl"

override slide: u32 = 0u;
override taps: u32 = 3u;

struct Shape {
  // Fours of channels, rounded up, * strips of four pixels * rows * images.
  invocations: u32,
  fours: u32,
  strips: u32,
  out_height: u32,
  out_width: u32,
  height: u32,
  width: u32,
  kernel_height: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  pad_top: u32,
  pad_left: u32,
  // Channels.
  channels: u32,
  // Units of a pixel of y (four channels in the vector kernel, one in the scalar one), and where its first channel stands.
  out_pitch: u32,
  out_offset: u32,
}

// Pixel `at` of a row of x that begins at pixel `row`; zero outside the row.
fn pixel_of(row: u32, at: u32, c: u32) -> vec4<f32> {
  return select(vec4<f32>(0.0), load_x(row + min(at, shape.width - 1u), c), at < shape.width);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) block: vec3<u32>,
  @builtin(num_workgroups) blocks: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(block, blocks, lane);
  if (i >= shape.invocations) {
    return;
  }
  let strip_at = i / shape.fours;
  let c = i - strip_at * shape.fours;
  let row_at = strip_at / shape.strips;
  let ox = (strip_at - row_at * shape.strips) * 4u;
  let n = row_at / shape.out_height;
  let oy = row_at - n * shape.out_height;

  // Above and left of the image they wrap around to large numbers, which are outside too.
  let ix = ox * shape.stride_x - shape.pad_left;
  let iy = oy * shape.stride_y - shape.pad_top;
  var s0 = vec4<f32>(0.0);
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  for (var ky = 0u; ky < shape.kernel_height; ky++) {
    let y_at = iy + ky * shape.dilation_y;
    if (y_at >= shape.height) {
      continue;
    }
    let row = (n * shape.height + y_at) * shape.width;
    let k = ky * taps;
    if (slide == 1u) {
      var v0 = pixel_of(row, ix, c);
      var v1 = pixel_of(row, ix + 1u, c);
      var v2 = pixel_of(row, ix + 2u, c);
      for (var kx = 0u; kx < taps; kx++) {
        let v3 = pixel_of(row, ix + kx + 3u, c);
        let w = load_weight(k + kx, c);
        s0 = fma(v0, w, s0);
        s1 = fma(v1, w, s1);
        s2 = fma(v2, w, s2);
        s3 = fma(v3, w, s3);
        v0 = v1;
        v1 = v2;
        v2 = v3;
      }
    } else if (slide == 2u) {
      // Even and odd pixels take turns.
      var v0 = pixel_of(row, ix, c);
      var v1 = pixel_of(row, ix + 2u, c);
      var v2 = pixel_of(row, ix + 4u, c);
      var u0 = pixel_of(row, ix + 1u, c);
      var u1 = pixel_of(row, ix + 3u, c);
      var u2 = pixel_of(row, ix + 5u, c);
      for (var kx = 0u; kx < taps; kx += 2u) {
        let v3 = pixel_of(row, ix + kx + 6u, c);
        var w = load_weight(k + kx, c);
        s0 = fma(v0, w, s0);
        s1 = fma(v1, w, s1);
        s2 = fma(v2, w, s2);
        s3 = fma(v3, w, s3);
        v0 = v1;
        v1 = v2;
        v2 = v3;
        if (kx + 1u < taps) {
          let u3 = pixel_of(row, ix + kx + 7u, c);
          w = load_weight(k + kx + 1u, c);
          s0 = fma(u0, w, s0);
          s1 = fma(u1, w, s1);
          s2 = fma(u2, w, s2);
          s3 = fma(u3, w, s3);
          u0 = u1;
          u1 = u2;
          u2 = u3;
        }
      }
    } else {
      for (var kx = 0u; kx < taps; kx++) {
        let at = ix + kx * shape.dilation_x;
        let w = load_weight(k + kx, c);
        s0 = fma(pixel_of(row, at, c), w, s0);
        s1 = fma(pixel_of(row, at + shape.stride_x, c), w, s1);
        s2 = fma(pixel_of(row, at + 2u * shape.stride_x, c), w, s2);
        s3 = fma(pixel_of(row, at + 3u * shape.stride_x, c), w, s3);
      }
    }
  }

  let pixel = row_at * shape.out_width + ox;
  let pixels = min(shape.out_width - ox, 4u);
  var sums = array<vec4<f32>, 4>(s0, s1, s2, s3);
  for (var m = 0u; m < 4u; m++) {
    if (m < pixels) {
      finish(pixel + m, n, c, sums[m]);
    }
  }
}
