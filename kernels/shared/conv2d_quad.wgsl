// The body of the convolutions where four lanes of a subgroup share their weights: each loads a quarter of them and broadcasts it.
// A kernel that imports it enables subgroups and brings load_x, load_gate, load_bias and finish (conv2d_fours.wgsl or conv2d_ones.wgsl).
#import "flat.wgsl"
#import "conv2d_shape.wgsl"

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) block: vec3<u32>,
  @builtin(num_workgroups) blocks: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(block, blocks, lane);
  let quad = i >> 2u;
  let member = i & 3u;
  let quad_strip = quad / shape.tiles;
  let tile = quad - quad_strip * shape.tiles;
  // All lanes take part to the end; strips behind the last one are computed and dropped.
  let wanted = quad_strip * 4u + member;
  let strip_at = min(wanted, shape.all_strips - 1u);
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
    let row = (n * shape.height + min(y_at, shape.height - 1u)) * shape.width;
    let inside = y_at < shape.height;
    for (var kx = 0u; kx < shape.kernel_width; kx++) {
      let x0 = ix + kx * shape.dilation_x;
      let x1 = x0 + shape.stride_x;
      let x2 = x1 + shape.stride_x;
      let x3 = x2 + shape.stride_x;
      let at0 = (row + min(x0, last)) * shape.pitch + channel;
      let at1 = (row + min(x1, last)) * shape.pitch + channel;
      let at2 = (row + min(x2, last)) * shape.pitch + channel;
      let at3 = (row + min(x3, last)) * shape.pitch + channel;
      var k = first + ((ky * shape.kernel_width + kx) * shape.fours * 4u + member) * step;
      for (var c = 0u; c < shape.fours; c++) {
        var v0 = load_x(at0, c);
        var v1 = load_x(at1, c);
        var v2 = load_x(at2, c);
        var v3 = load_x(at3, c);
        if (padded) {
          v0 = select(vec4<f32>(0.0), v0, inside && x0 <= last);
          v1 = select(vec4<f32>(0.0), v1, inside && x1 <= last);
          v2 = select(vec4<f32>(0.0), v2, inside && x2 <= last);
          v3 = select(vec4<f32>(0.0), v3, inside && x3 <= last);
        }
        if (gated) {
          let gate = load_gate(n, channel, c);
          v0 *= gate;
          v1 *= gate;
          v2 *= gate;
          v3 *= gate;
        }
        // One row of weights a lane, so that the four of them hold the rows of four channels of x.
        let p = vec4<f32>(weights[k]);
        var q = vec4<f32>(0.0);
        if (wide) {
          q = vec4<f32>(weights[k + 1u]);
        }
        k += 4u * step;
        var w = quadBroadcast(p, 0u);
        a0 = fma(vec4<f32>(v0.x), w, a0);
        a1 = fma(vec4<f32>(v1.x), w, a1);
        a2 = fma(vec4<f32>(v2.x), w, a2);
        a3 = fma(vec4<f32>(v3.x), w, a3);
        if (wide) {
          w = quadBroadcast(q, 0u);
          b0 = fma(vec4<f32>(v0.x), w, b0);
          b1 = fma(vec4<f32>(v1.x), w, b1);
          b2 = fma(vec4<f32>(v2.x), w, b2);
          b3 = fma(vec4<f32>(v3.x), w, b3);
        }
        w = quadBroadcast(p, 1u);
        a0 = fma(vec4<f32>(v0.y), w, a0);
        a1 = fma(vec4<f32>(v1.y), w, a1);
        a2 = fma(vec4<f32>(v2.y), w, a2);
        a3 = fma(vec4<f32>(v3.y), w, a3);
        if (wide) {
          w = quadBroadcast(q, 1u);
          b0 = fma(vec4<f32>(v0.y), w, b0);
          b1 = fma(vec4<f32>(v1.y), w, b1);
          b2 = fma(vec4<f32>(v2.y), w, b2);
          b3 = fma(vec4<f32>(v3.y), w, b3);
        }
        w = quadBroadcast(p, 2u);
        a0 = fma(vec4<f32>(v0.z), w, a0);
        a1 = fma(vec4<f32>(v1.z), w, a1);
        a2 = fma(vec4<f32>(v2.z), w, a2);
        a3 = fma(vec4<f32>(v3.z), w, a3);
        if (wide) {
          w = quadBroadcast(q, 2u);
          b0 = fma(vec4<f32>(v0.z), w, b0);
          b1 = fma(vec4<f32>(v1.z), w, b1);
          b2 = fma(vec4<f32>(v2.z), w, b2);
          b3 = fma(vec4<f32>(v3.z), w, b3);
        }
        w = quadBroadcast(p, 3u);
        a0 = fma(vec4<f32>(v0.w), w, a0);
        a1 = fma(vec4<f32>(v1.w), w, a1);
        a2 = fma(vec4<f32>(v2.w), w, a2);
        a3 = fma(vec4<f32>(v3.w), w, a3);
        if (wide) {
          w = quadBroadcast(q, 3u);
          b0 = fma(vec4<f32>(v0.w), w, b0);
          b1 = fma(vec4<f32>(v1.w), w, b1);
          b2 = fma(vec4<f32>(v2.w), w, b2);
          b3 = fma(vec4<f32>(v3.w), w, b3);
        }
      }
    }
  }

  let pixel = row_at * shape.out_width + ox;
  let pixels = min(shape.out_width - ox, 4u);
  var sums = array<vec4<f32>, 8>(a0, b0, a1, b1, a2, b2, a3, b3);
  for (var m = 0u; m < 8u; m++) {
    if (wanted < shape.all_strips && m < 2u * pixels && (wide || (m & 1u) == 0u)) {
      finish(pixel + (m >> 1u), group, o + (m & 1u), sums[m]);
    }
  }
}
