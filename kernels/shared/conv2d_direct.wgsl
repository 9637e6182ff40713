// The body of the direct convolutions. A kernel that imports it brings load_x, load_gate, load_bias and finish (conv2d_fours.wgsl or conv2d_ones.wgsl).
#import "flat.wgsl"
#import "conv2d_shape.wgsl"

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
  let strip_at = i / shape.tiles;
  let tile = i - strip_at * shape.tiles;
  let row_at = strip_at / shape.strips;
  let ox = (strip_at - row_at * shape.strips) * 4u;
  let n = row_at / shape.out_height;
  let oy = row_at - n * shape.out_height;
  let group = tile / shape.group_tiles;
  // In fours, from the first channel of the group.
  let o = (tile - group * shape.group_tiles) * select(1u, 2u, wide);

  // Left of the image they wrap around to large numbers, which are outside too.
  let ix = ox * shape.stride_x - shape.pad_left;
  let iy = oy * shape.stride_y - shape.pad_top;
  let last = shape.width - 1u;
  let channel = group * shape.group_units;

  var a0 = load_bias(group, o);
  var a1 = a0;
  var a2 = a0;
  var a3 = a0;
  var b0 = vec4<f32>(0.0);
  if (wide) {
    b0 = load_bias(group, o + 1u);
  }
  var b1 = b0;
  var b2 = b0;
  var b3 = b0;
  let first = n * shape.image_weights + group * shape.group_weights + o;
  let step = shape.weight_pitch;
  for (var ky = 0u; ky < shape.kernel_height; ky++) {
    let y_at = iy + ky * shape.dilation_y;
    if (padded && y_at >= shape.height) {
      continue;
    }
    let row = (n * shape.height + y_at) * shape.width;
    for (var kx = 0u; kx < shape.kernel_width; kx++) {
      let x0 = ix + kx * shape.dilation_x;
      let x1 = x0 + shape.stride_x;
      let x2 = x1 + shape.stride_x;
      let x3 = x2 + shape.stride_x;
      let at0 = (row + min(x0, last)) * shape.pitch + channel;
      let at1 = (row + min(x1, last)) * shape.pitch + channel;
      let at2 = (row + min(x2, last)) * shape.pitch + channel;
      let at3 = (row + min(x3, last)) * shape.pitch + channel;
      var k = first + (ky * shape.kernel_width + kx) * shape.fours * 4u * step;
      for (var c = 0u; c < shape.fours; c++) {
        var v0 = load_x(at0, c);
        var v1 = load_x(at1, c);
        var v2 = load_x(at2, c);
        var v3 = load_x(at3, c);
        if (padded) {
          v0 = select(vec4<f32>(0.0), v0, x0 <= last);
          v1 = select(vec4<f32>(0.0), v1, x1 <= last);
          v2 = select(vec4<f32>(0.0), v2, x2 <= last);
          v3 = select(vec4<f32>(0.0), v3, x3 <= last);
        }
        if (gated) {
          let gate = load_gate(n, channel, c);
          v0 *= gate;
          v1 *= gate;
          v2 *= gate;
          v3 *= gate;
        }
        var w = vec4<f32>(weights[k]);
        a0 = fma(vec4<f32>(v0.x), w, a0);
        a1 = fma(vec4<f32>(v1.x), w, a1);
        a2 = fma(vec4<f32>(v2.x), w, a2);
        a3 = fma(vec4<f32>(v3.x), w, a3);
        if (wide) {
          w = vec4<f32>(weights[k + 1u]);
          b0 = fma(vec4<f32>(v0.x), w, b0);
          b1 = fma(vec4<f32>(v1.x), w, b1);
          b2 = fma(vec4<f32>(v2.x), w, b2);
          b3 = fma(vec4<f32>(v3.x), w, b3);
        }
        k += step;
        w = vec4<f32>(weights[k]);
        a0 = fma(vec4<f32>(v0.y), w, a0);
        a1 = fma(vec4<f32>(v1.y), w, a1);
        a2 = fma(vec4<f32>(v2.y), w, a2);
        a3 = fma(vec4<f32>(v3.y), w, a3);
        if (wide) {
          w = vec4<f32>(weights[k + 1u]);
          b0 = fma(vec4<f32>(v0.y), w, b0);
          b1 = fma(vec4<f32>(v1.y), w, b1);
          b2 = fma(vec4<f32>(v2.y), w, b2);
          b3 = fma(vec4<f32>(v3.y), w, b3);
        }
        k += step;
        w = vec4<f32>(weights[k]);
        a0 = fma(vec4<f32>(v0.z), w, a0);
        a1 = fma(vec4<f32>(v1.z), w, a1);
        a2 = fma(vec4<f32>(v2.z), w, a2);
        a3 = fma(vec4<f32>(v3.z), w, a3);
        if (wide) {
          w = vec4<f32>(weights[k + 1u]);
          b0 = fma(vec4<f32>(v0.z), w, b0);
          b1 = fma(vec4<f32>(v1.z), w, b1);
          b2 = fma(vec4<f32>(v2.z), w, b2);
          b3 = fma(vec4<f32>(v3.z), w, b3);
        }
        k += step;
        w = vec4<f32>(weights[k]);
        a0 = fma(vec4<f32>(v0.w), w, a0);
        a1 = fma(vec4<f32>(v1.w), w, a1);
        a2 = fma(vec4<f32>(v2.w), w, a2);
        a3 = fma(vec4<f32>(v3.w), w, a3);
        if (wide) {
          w = vec4<f32>(weights[k + 1u]);
          b0 = fma(vec4<f32>(v0.w), w, b0);
          b1 = fma(vec4<f32>(v1.w), w, b1);
          b2 = fma(vec4<f32>(v2.w), w, b2);
          b3 = fma(vec4<f32>(v3.w), w, b3);
        }
        k += step;
      }
    }
  }

  let pixel = row_at * shape.out_width + ox;
  let pixels = min(shape.out_width - ox, 4u);
  var sums = array<vec4<f32>, 8>(a0, b0, a1, b1, a2, b2, a3, b3);
  for (var m = 0u; m < 8u; m++) {
    if (m < 2u * pixels && (wide || (m & 1u) == 0u)) {
      finish(pixel + (m >> 1u), group, o + (m & 1u), sums[m]);
    }
  }
}
