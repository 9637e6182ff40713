// winograd_input: tiles of x for a 3x3 convolution by minimal filtering F(2x2, 3x3) (Lavin and Gray, 2016, section 4.1): B^T d B.
// x [N, H, W, C], gate [N, C] or any buffer, v [16, tiles, C] with one tile for 2x2 pixels of y. C is a multiple of four.
// Overrides: gated. Dispatch: flat, one invocation for a tile and four channels.
#import "../shared/flat.wgsl"

override gated: bool = false;

struct Shape {
  // Tiles * fours of channels.
  invocations: u32,
  fours: u32,
  tile_rows: u32,
  tile_columns: u32,
  height: u32,
  width: u32,
  pad_top: u32,
  pad_left: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read> gate: array<vec4<scalar>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<scalar>>;
@group(0) @binding(3) var<uniform> shape: Shape;

// One row of d: the four pixels from (y_at, x_at), zero outside x, times B.
fn row_of(n: u32, y_at: u32, x_at: u32, c: u32) -> array<vec4<f32>, 4> {
  if (y_at >= shape.height) {
    return array<vec4<f32>, 4>();
  }
  let row = (n * shape.height + y_at) * shape.width;
  let d0 = pixel_of(row, x_at, c);
  let d1 = pixel_of(row, x_at + 1u, c);
  let d2 = pixel_of(row, x_at + 2u, c);
  let d3 = pixel_of(row, x_at + 3u, c);
  return array<vec4<f32>, 4>(d0 - d2, d1 + d2, d2 - d1, d1 - d3);
}

fn pixel_of(row: u32, at: u32, c: u32) -> vec4<f32> {
  let value = vec4<f32>(x[(row + min(at, shape.width - 1u)) * shape.fours + c]);
  return select(vec4<f32>(0.0), value, at < shape.width);
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
  let c = i - tile * shape.fours;
  let row_at = tile / shape.tile_columns;
  let n = row_at / shape.tile_rows;
  // Above and left of the image they wrap around to large numbers, which are outside too.
  let y_at = (row_at - n * shape.tile_rows) * 2u - shape.pad_top;
  let x_at = (tile - row_at * shape.tile_columns) * 2u - shape.pad_left;
  let d0 = row_of(n, y_at, x_at, c);
  let d1 = row_of(n, y_at + 1u, x_at, c);
  let d2 = row_of(n, y_at + 2u, x_at, c);
  let d3 = row_of(n, y_at + 3u, x_at, c);
  var factor = vec4<f32>(1.0);
  if (gated) {
    factor = vec4<f32>(gate[n * shape.fours + c]);
  }
  for (var column = 0u; column < 4u; column++) {
    let e0 = d0[column] * factor;
    let e1 = d1[column] * factor;
    let e2 = d2[column] * factor;
    let e3 = d3[column] * factor;
    v[column * shape.invocations + i] = vec4<scalar>(e0 - e2);
    v[(4u + column) * shape.invocations + i] = vec4<scalar>(e1 + e2);
    v[(8u + column) * shape.invocations + i] = vec4<scalar>(e2 - e1);
    v[(12u + column) * shape.invocations + i] = vec4<scalar>(e1 - e3);
  }
}
