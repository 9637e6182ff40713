// conv2d_tiled: the convolution as a matrix product of pixels and channels (implicit GEMM) in tiles of workgroup memory; also matmul.
// x [N, H, W, C], weights [KH*KW*C, O], bias [O], residual [N, OH, OW, O], gate [N, C], y [N, OH, OW, O] (or a part of the channels of a
// wider y: out_pitch, out_offset). In place of an absent residual or gate any buffer is bound. C and O are multiples of four.
// With image_weights, image n has weights of its own: a batch of products [N, M, K] x [N, K, O], where H = 1, W = M, C = K.
// Overrides: lane_rows, lane_columns, the lanes of a workgroup; a tile has 4 * lane_rows pixels, 8 * lane_columns channels and takes 16
// channels of x a step; padded, pixels may lie outside x; gated; residual_at, activation, alpha, beta (shared/epilogue.wgsl).
// Dispatch: [tiles of channels, tiles of pixels, images with weights of their own or 1].
#import "../shared/conv2d_operands.wgsl"

override lane_rows: u32 = 8u;
override lane_columns: u32 = 8u;
override padded: bool = false;
override gated: bool = false;

struct Shape {
  // Pixels of y that share weights: of one image with image_weights, of all without.
  pixels: u32,
  out_fours: u32,
  out_height: u32,
  out_width: u32,
  height: u32,
  width: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  pad_top: u32,
  pad_left: u32,
  // Channels of x, in fours; those between pixels of y and of residual, and where the first of y stands.
  fours: u32,
  out_pitch: u32,
  out_offset: u32,
  residual_pitch: u32,
  // Fours between the weights of two images.
  image_weights: u32,
}

@group(0) @binding(6) var<uniform> shape: Shape;

const step_fours = 4u;
// Pixels by inner fours, row-major in the inner four; inner channels by fours of channels.
var<workgroup> left: array<vec4<scalar>, 16u * lane_rows>;
var<workgroup> right: array<vec4<scalar>, 32u * lane_columns>;
// Of each pixel of the tile: its image, the row and column of x under its first tap.
var<workgroup> places: array<vec3<u32>, 4u * lane_rows>;

@compute @workgroup_size(lane_columns, lane_rows)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let lanes = lane_rows * lane_columns;
  let index = lane.y * lane_columns + lane.x;
  let tile_pixels = 4u * lane_rows;
  let tile_fours = 2u * lane_columns;
  let first_pixel = block.y * tile_pixels;
  let first_four = block.x * tile_fours;
  let first_weight = block.z * shape.image_weights;
  let base = block.z * shape.pixels;

  for (var row = index; row < tile_pixels; row += lanes) {
    let pixel = base + min(first_pixel + row, shape.pixels - 1u);
    let row_at = pixel / shape.out_width;
    let n = row_at / shape.out_height;
    // Above and left of the image they wrap around to large numbers, which are outside too.
    places[row] = vec3<u32>(
      n,
      (row_at - n * shape.out_height) * shape.stride_y - shape.pad_top,
      (pixel - row_at * shape.out_width) * shape.stride_x - shape.pad_left,
    );
  }
  workgroupBarrier();

  var a0 = vec4<f32>(0.0);
  var a1 = a0;
  var a2 = a0;
  var a3 = a0;
  var b0 = a0;
  var b1 = a0;
  var b2 = a0;
  var b3 = a0;
  for (var ky = 0u; ky < shape.kernel_height; ky++) {
    for (var kx = 0u; kx < shape.kernel_width; kx++) {
      let tap = (ky * shape.kernel_width + kx) * shape.fours;
      for (var c0 = 0u; c0 < shape.fours; c0 += step_fours) {
        for (var e = index; e < tile_pixels * step_fours; e += lanes) {
          // Neighbouring lanes read neighbouring channels.
          let row = e / step_fours;
          let c = c0 + e % step_fours;
          let place = places[row];
          let y_at = place.y + ky * shape.dilation_y;
          let x_at = place.z + kx * shape.dilation_x;
          var value = vec4<f32>(0.0);
          if (c < shape.fours && (!padded || (y_at < shape.height && x_at < shape.width))) {
            value = vec4<f32>(x[((place.x * shape.height + y_at) * shape.width + x_at) * shape.fours + c]);
            if (gated) {
              value *= vec4<f32>(gate[place.x * shape.fours + c]);
            }
          }
          left[(e % step_fours) * tile_pixels + row] = vec4<scalar>(value);
        }
        for (var e = index; e < tile_fours * step_fours * 4u; e += lanes) {
          let k = e / tile_fours;
          let o = first_four + e % tile_fours;
          var value = vec4<scalar>();
          if (o < shape.out_fours && c0 + k / 4u < shape.fours) {
            value = weights[first_weight + ((tap + c0) * 4u + k) * shape.out_fours + o];
          }
          right[e] = value;
        }
        workgroupBarrier();
        for (var c = 0u; c < step_fours; c++) {
          let v0 = vec4<f32>(left[c * tile_pixels + lane.y]);
          let v1 = vec4<f32>(left[c * tile_pixels + lane.y + lane_rows]);
          let v2 = vec4<f32>(left[c * tile_pixels + lane.y + 2u * lane_rows]);
          let v3 = vec4<f32>(left[c * tile_pixels + lane.y + 3u * lane_rows]);
          let at = c * 4u * tile_fours + lane.x;
          var w = vec4<f32>(right[at]);
          var u = vec4<f32>(right[at + lane_columns]);
          a0 = fma(vec4<f32>(v0.x), w, a0);
          a1 = fma(vec4<f32>(v1.x), w, a1);
          a2 = fma(vec4<f32>(v2.x), w, a2);
          a3 = fma(vec4<f32>(v3.x), w, a3);
          b0 = fma(vec4<f32>(v0.x), u, b0);
          b1 = fma(vec4<f32>(v1.x), u, b1);
          b2 = fma(vec4<f32>(v2.x), u, b2);
          b3 = fma(vec4<f32>(v3.x), u, b3);
          w = vec4<f32>(right[at + 1u * tile_fours]);
          u = vec4<f32>(right[at + 1u * tile_fours + lane_columns]);
          a0 = fma(vec4<f32>(v0.y), w, a0);
          a1 = fma(vec4<f32>(v1.y), w, a1);
          a2 = fma(vec4<f32>(v2.y), w, a2);
          a3 = fma(vec4<f32>(v3.y), w, a3);
          b0 = fma(vec4<f32>(v0.y), u, b0);
          b1 = fma(vec4<f32>(v1.y), u, b1);
          b2 = fma(vec4<f32>(v2.y), u, b2);
          b3 = fma(vec4<f32>(v3.y), u, b3);
          w = vec4<f32>(right[at + 2u * tile_fours]);
          u = vec4<f32>(right[at + 2u * tile_fours + lane_columns]);
          a0 = fma(vec4<f32>(v0.z), w, a0);
          a1 = fma(vec4<f32>(v1.z), w, a1);
          a2 = fma(vec4<f32>(v2.z), w, a2);
          a3 = fma(vec4<f32>(v3.z), w, a3);
          b0 = fma(vec4<f32>(v0.z), u, b0);
          b1 = fma(vec4<f32>(v1.z), u, b1);
          b2 = fma(vec4<f32>(v2.z), u, b2);
          b3 = fma(vec4<f32>(v3.z), u, b3);
          w = vec4<f32>(right[at + 3u * tile_fours]);
          u = vec4<f32>(right[at + 3u * tile_fours + lane_columns]);
          a0 = fma(vec4<f32>(v0.w), w, a0);
          a1 = fma(vec4<f32>(v1.w), w, a1);
          a2 = fma(vec4<f32>(v2.w), w, a2);
          a3 = fma(vec4<f32>(v3.w), w, a3);
          b0 = fma(vec4<f32>(v0.w), u, b0);
          b1 = fma(vec4<f32>(v1.w), u, b1);
          b2 = fma(vec4<f32>(v2.w), u, b2);
          b3 = fma(vec4<f32>(v3.w), u, b3);
        }
        workgroupBarrier();
      }
    }
  }

  var sums = array<vec4<f32>, 8>(a0, b0, a1, b1, a2, b2, a3, b3);
  for (var m = 0u; m < 8u; m++) {
    let pixel = first_pixel + lane.y + (m >> 1u) * lane_rows;
    let o = first_four + lane.x + (m & 1u) * lane_columns;
    if (pixel < shape.pixels && o < shape.out_fours) {
      write_result(base + pixel, o, sums[m] + vec4<f32>(bias[o]));
    }
  }
}
