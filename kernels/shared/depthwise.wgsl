// The body of the depthwise convolutions: one invocation sums eight pixels of a row of four channels; the window slides over registers.
// A kernel that imports it binds the operands and brings load_x, load_weight and finish.
// Overrides: slide, how pixels are read: 1 at stride 1, 2 at stride 2 (width 3 or 5 only), both without dilation, every pixel of x once a
// row of the window; 0 at any stride and dilation, eight a tap. taps, the width of the window.
#import "flat.wgsl"

override slide: u32 = 0u;
override taps: u32 = 3u;

struct Shape {
  // Fours of channels, rounded up, * strips of eight pixels * rows * images.
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
  let ox = (strip_at - row_at * shape.strips) * 8u;
  let n = row_at / shape.out_height;
  let oy = row_at - n * shape.out_height;

  // Above and left of the image they wrap around to large numbers, which are outside too.
  let ix = ox * shape.stride_x - shape.pad_left;
  let iy = oy * shape.stride_y - shape.pad_top;
  var s0 = vec4<f32>(0.0);
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  var s4 = s0;
  var s5 = s0;
  var s6 = s0;
  var s7 = s0;
  for (var ky = 0u; ky < shape.kernel_height; ky++) {
    let y_at = iy + ky * shape.dilation_y;
    if (y_at >= shape.height) {
      continue;
    }
    let row = (n * shape.height + y_at) * shape.width;
    let k = ky * taps;
    if (slide == 1u && taps == 3u) {
      let w0 = load_weight(k + 0u, c);
      let w1 = load_weight(k + 1u, c);
      let w2 = load_weight(k + 2u, c);
      var v = pixel_of(row, ix, c);
      s0 = fma(v, w0, s0);
      v = pixel_of(row, ix + 1u, c);
      s0 = fma(v, w1, s0);
      s1 = fma(v, w0, s1);
      v = pixel_of(row, ix + 2u, c);
      s0 = fma(v, w2, s0);
      s1 = fma(v, w1, s1);
      s2 = fma(v, w0, s2);
      v = pixel_of(row, ix + 3u, c);
      s1 = fma(v, w2, s1);
      s2 = fma(v, w1, s2);
      s3 = fma(v, w0, s3);
      v = pixel_of(row, ix + 4u, c);
      s2 = fma(v, w2, s2);
      s3 = fma(v, w1, s3);
      s4 = fma(v, w0, s4);
      v = pixel_of(row, ix + 5u, c);
      s3 = fma(v, w2, s3);
      s4 = fma(v, w1, s4);
      s5 = fma(v, w0, s5);
      v = pixel_of(row, ix + 6u, c);
      s4 = fma(v, w2, s4);
      s5 = fma(v, w1, s5);
      s6 = fma(v, w0, s6);
      v = pixel_of(row, ix + 7u, c);
      s5 = fma(v, w2, s5);
      s6 = fma(v, w1, s6);
      s7 = fma(v, w0, s7);
      v = pixel_of(row, ix + 8u, c);
      s6 = fma(v, w2, s6);
      s7 = fma(v, w1, s7);
      v = pixel_of(row, ix + 9u, c);
      s7 = fma(v, w2, s7);
    } else if (slide == 1u && taps == 5u) {
      let w0 = load_weight(k + 0u, c);
      let w1 = load_weight(k + 1u, c);
      let w2 = load_weight(k + 2u, c);
      let w3 = load_weight(k + 3u, c);
      let w4 = load_weight(k + 4u, c);
      var v = pixel_of(row, ix, c);
      s0 = fma(v, w0, s0);
      v = pixel_of(row, ix + 1u, c);
      s0 = fma(v, w1, s0);
      s1 = fma(v, w0, s1);
      v = pixel_of(row, ix + 2u, c);
      s0 = fma(v, w2, s0);
      s1 = fma(v, w1, s1);
      s2 = fma(v, w0, s2);
      v = pixel_of(row, ix + 3u, c);
      s0 = fma(v, w3, s0);
      s1 = fma(v, w2, s1);
      s2 = fma(v, w1, s2);
      s3 = fma(v, w0, s3);
      v = pixel_of(row, ix + 4u, c);
      s0 = fma(v, w4, s0);
      s1 = fma(v, w3, s1);
      s2 = fma(v, w2, s2);
      s3 = fma(v, w1, s3);
      s4 = fma(v, w0, s4);
      v = pixel_of(row, ix + 5u, c);
      s1 = fma(v, w4, s1);
      s2 = fma(v, w3, s2);
      s3 = fma(v, w2, s3);
      s4 = fma(v, w1, s4);
      s5 = fma(v, w0, s5);
      v = pixel_of(row, ix + 6u, c);
      s2 = fma(v, w4, s2);
      s3 = fma(v, w3, s3);
      s4 = fma(v, w2, s4);
      s5 = fma(v, w1, s5);
      s6 = fma(v, w0, s6);
      v = pixel_of(row, ix + 7u, c);
      s3 = fma(v, w4, s3);
      s4 = fma(v, w3, s4);
      s5 = fma(v, w2, s5);
      s6 = fma(v, w1, s6);
      s7 = fma(v, w0, s7);
      v = pixel_of(row, ix + 8u, c);
      s4 = fma(v, w4, s4);
      s5 = fma(v, w3, s5);
      s6 = fma(v, w2, s6);
      s7 = fma(v, w1, s7);
      v = pixel_of(row, ix + 9u, c);
      s5 = fma(v, w4, s5);
      s6 = fma(v, w3, s6);
      s7 = fma(v, w2, s7);
      v = pixel_of(row, ix + 10u, c);
      s6 = fma(v, w4, s6);
      s7 = fma(v, w3, s7);
      v = pixel_of(row, ix + 11u, c);
      s7 = fma(v, w4, s7);
    } else if (slide == 2u && taps == 3u) {
      let w0 = load_weight(k + 0u, c);
      let w1 = load_weight(k + 1u, c);
      let w2 = load_weight(k + 2u, c);
      var v = pixel_of(row, ix, c);
      s0 = fma(v, w0, s0);
      v = pixel_of(row, ix + 1u, c);
      s0 = fma(v, w1, s0);
      v = pixel_of(row, ix + 2u, c);
      s0 = fma(v, w2, s0);
      s1 = fma(v, w0, s1);
      v = pixel_of(row, ix + 3u, c);
      s1 = fma(v, w1, s1);
      v = pixel_of(row, ix + 4u, c);
      s1 = fma(v, w2, s1);
      s2 = fma(v, w0, s2);
      v = pixel_of(row, ix + 5u, c);
      s2 = fma(v, w1, s2);
      v = pixel_of(row, ix + 6u, c);
      s2 = fma(v, w2, s2);
      s3 = fma(v, w0, s3);
      v = pixel_of(row, ix + 7u, c);
      s3 = fma(v, w1, s3);
      v = pixel_of(row, ix + 8u, c);
      s3 = fma(v, w2, s3);
      s4 = fma(v, w0, s4);
      v = pixel_of(row, ix + 9u, c);
      s4 = fma(v, w1, s4);
      v = pixel_of(row, ix + 10u, c);
      s4 = fma(v, w2, s4);
      s5 = fma(v, w0, s5);
      v = pixel_of(row, ix + 11u, c);
      s5 = fma(v, w1, s5);
      v = pixel_of(row, ix + 12u, c);
      s5 = fma(v, w2, s5);
      s6 = fma(v, w0, s6);
      v = pixel_of(row, ix + 13u, c);
      s6 = fma(v, w1, s6);
      v = pixel_of(row, ix + 14u, c);
      s6 = fma(v, w2, s6);
      s7 = fma(v, w0, s7);
      v = pixel_of(row, ix + 15u, c);
      s7 = fma(v, w1, s7);
      v = pixel_of(row, ix + 16u, c);
      s7 = fma(v, w2, s7);
    } else if (slide == 2u && taps == 5u) {
      let w0 = load_weight(k + 0u, c);
      let w1 = load_weight(k + 1u, c);
      let w2 = load_weight(k + 2u, c);
      let w3 = load_weight(k + 3u, c);
      let w4 = load_weight(k + 4u, c);
      var v = pixel_of(row, ix, c);
      s0 = fma(v, w0, s0);
      v = pixel_of(row, ix + 1u, c);
      s0 = fma(v, w1, s0);
      v = pixel_of(row, ix + 2u, c);
      s0 = fma(v, w2, s0);
      s1 = fma(v, w0, s1);
      v = pixel_of(row, ix + 3u, c);
      s0 = fma(v, w3, s0);
      s1 = fma(v, w1, s1);
      v = pixel_of(row, ix + 4u, c);
      s0 = fma(v, w4, s0);
      s1 = fma(v, w2, s1);
      s2 = fma(v, w0, s2);
      v = pixel_of(row, ix + 5u, c);
      s1 = fma(v, w3, s1);
      s2 = fma(v, w1, s2);
      v = pixel_of(row, ix + 6u, c);
      s1 = fma(v, w4, s1);
      s2 = fma(v, w2, s2);
      s3 = fma(v, w0, s3);
      v = pixel_of(row, ix + 7u, c);
      s2 = fma(v, w3, s2);
      s3 = fma(v, w1, s3);
      v = pixel_of(row, ix + 8u, c);
      s2 = fma(v, w4, s2);
      s3 = fma(v, w2, s3);
      s4 = fma(v, w0, s4);
      v = pixel_of(row, ix + 9u, c);
      s3 = fma(v, w3, s3);
      s4 = fma(v, w1, s4);
      v = pixel_of(row, ix + 10u, c);
      s3 = fma(v, w4, s3);
      s4 = fma(v, w2, s4);
      s5 = fma(v, w0, s5);
      v = pixel_of(row, ix + 11u, c);
      s4 = fma(v, w3, s4);
      s5 = fma(v, w1, s5);
      v = pixel_of(row, ix + 12u, c);
      s4 = fma(v, w4, s4);
      s5 = fma(v, w2, s5);
      s6 = fma(v, w0, s6);
      v = pixel_of(row, ix + 13u, c);
      s5 = fma(v, w3, s5);
      s6 = fma(v, w1, s6);
      v = pixel_of(row, ix + 14u, c);
      s5 = fma(v, w4, s5);
      s6 = fma(v, w2, s6);
      s7 = fma(v, w0, s7);
      v = pixel_of(row, ix + 15u, c);
      s6 = fma(v, w3, s6);
      s7 = fma(v, w1, s7);
      v = pixel_of(row, ix + 16u, c);
      s6 = fma(v, w4, s6);
      s7 = fma(v, w2, s7);
      v = pixel_of(row, ix + 17u, c);
      s7 = fma(v, w3, s7);
      v = pixel_of(row, ix + 18u, c);
      s7 = fma(v, w4, s7);
    } else if (slide == 1u) {
      var v0 = pixel_of(row, ix + 0u, c);
      var v1 = pixel_of(row, ix + 1u, c);
      var v2 = pixel_of(row, ix + 2u, c);
      var v3 = pixel_of(row, ix + 3u, c);
      var v4 = pixel_of(row, ix + 4u, c);
      var v5 = pixel_of(row, ix + 5u, c);
      var v6 = pixel_of(row, ix + 6u, c);
      for (var kx = 0u; kx < taps; kx++) {
        let v7 = pixel_of(row, ix + kx + 7u, c);
        let w = load_weight(k + kx, c);
        s0 = fma(v0, w, s0);
        s1 = fma(v1, w, s1);
        s2 = fma(v2, w, s2);
        s3 = fma(v3, w, s3);
        s4 = fma(v4, w, s4);
        s5 = fma(v5, w, s5);
        s6 = fma(v6, w, s6);
        s7 = fma(v7, w, s7);
        v0 = v1;
        v1 = v2;
        v2 = v3;
        v3 = v4;
        v4 = v5;
        v5 = v6;
        v6 = v7;
      }
    } else {
      for (var kx = 0u; kx < taps; kx++) {
        let at = ix + kx * shape.dilation_x;
        let w = load_weight(k + kx, c);
        s0 = fma(pixel_of(row, at, c), w, s0);
        s1 = fma(pixel_of(row, at + 1u * shape.stride_x, c), w, s1);
        s2 = fma(pixel_of(row, at + 2u * shape.stride_x, c), w, s2);
        s3 = fma(pixel_of(row, at + 3u * shape.stride_x, c), w, s3);
        s4 = fma(pixel_of(row, at + 4u * shape.stride_x, c), w, s4);
        s5 = fma(pixel_of(row, at + 5u * shape.stride_x, c), w, s5);
        s6 = fma(pixel_of(row, at + 6u * shape.stride_x, c), w, s6);
        s7 = fma(pixel_of(row, at + 7u * shape.stride_x, c), w, s7);
      }
    }
  }

  let pixel = row_at * shape.out_width + ox;
  let pixels = min(shape.out_width - ox, 8u);
  var sums = array<vec4<f32>, 8>(s0, s1, s2, s3, s4, s5, s6, s7);
  for (var m = 0u; m < 8u; m++) {
    if (m < pixels) {
      finish(pixel + m, n, c, sums[m]);
    }
  }
}
