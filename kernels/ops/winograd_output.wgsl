// winograd_output: pixels of y from the products of F(2x2, 3x3) (Lavin and Gray, 2016, section 4.1): A^T m A, then what follows a sum.
// products [16, tiles, O], bias [O], residual [N, OH, OW, O] or any buffer, y [N, OH, OW, O] (or a part of the channels of a wider y:
// out_pitch, out_offset). O is a multiple of four.
// Overrides: residual_at, activation, alpha, beta (shared/epilogue.wgsl). Dispatch: flat, one invocation for a tile and four channels.
#import "../shared/epilogue.wgsl"
#import "../shared/flat.wgsl"

struct Shape {
  // Tiles * fours of channels.
  invocations: u32,
  fours: u32,
  tile_rows: u32,
  tile_columns: u32,
  out_height: u32,
  out_width: u32,
  out_pitch: u32,
  out_offset: u32,
}

@group(0) @binding(0) var<storage, read> products: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read> bias: array<vec4<scalar>>;
@group(0) @binding(2) var<storage, read> residual: array<vec4<scalar>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<scalar>>;
@group(0) @binding(4) var<uniform> shape: Shape;

fn product(place: u32, i: u32) -> vec4<f32> {
  return vec4<f32>(products[place * shape.invocations + i]);
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
  let tile = i / shape.fours;
  let o = i - tile * shape.fours;
  let row_at = tile / shape.tile_columns;
  let n = row_at / shape.tile_rows;
  let oy = (row_at - n * shape.tile_rows) * 2u;
  let ox = (tile - row_at * shape.tile_columns) * 2u;
  // Two rows and two columns of sums.
  var s00 = vec4<f32>(0.0);
  var s01 = s00;
  var s10 = s00;
  var s11 = s00;
  for (var column = 0u; column < 4u; column++) {
    let m1 = product(4u + column, i);
    let m2 = product(8u + column, i);
    let top = product(column, i) + m1 + m2;
    let bottom = m1 - m2 - product(12u + column, i);
    if (column < 3u) {
      s00 += top;
      s10 += bottom;
    }
    if (column == 1u) {
      s01 += top;
      s11 += bottom;
    } else if (column > 1u) {
      s01 -= top;
      s11 -= bottom;
    }
  }
  var sums = array<vec4<f32>, 4>(s00, s01, s10, s11);
  for (var m = 0u; m < 4u; m++) {
    let y_at = oy + (m >> 1u);
    let x_at = ox + (m & 1u);
    if (y_at < shape.out_height && x_at < shape.out_width) {
      let pixel = (n * shape.out_height + y_at) * shape.out_width + x_at;
      var addend = vec4<f32>(0.0);
      if (residual_at != 0u) {
        addend = vec4<f32>(residual[pixel * shape.fours + o]);
      }
      let value = finished(sums[m] + vec4<f32>(bias[o]), addend);
      y[pixel * shape.out_pitch + shape.out_offset + o] = vec4<scalar>(value);
    }
  }
}
