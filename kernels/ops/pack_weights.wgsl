// pack_weights: weights that a graph computes, brought into the layout that conv2d_direct, conv2d_scalar and conv2d_tiled read.
// w [batch, ...], element (row, column) of matrix i at i*matrix + row*row_step + column*column_step (inner channels from `inner` on are
// zeros) -> result [batch, taps * fours * 4, columns rounded up to fours], zeros in the gaps.
// Overrides: none. Dispatch: flat, one invocation for four columns.
#import "../shared/flat.wgsl"

struct Shape {
  invocations: u32,
  // Fours of columns, columns, rows of a packed tap, rows of a tap of w, taps.
  column_fours: u32,
  columns: u32,
  padded: u32,
  inner: u32,
  taps: u32,
  // Elements of w from a matrix, row and column to the next.
  matrix: u32,
  row_step: u32,
  column_step: u32,
}

@group(0) @binding(0) var<storage, read> w: array<scalar>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4<scalar>>;
@group(0) @binding(2) var<uniform> shape: Shape;

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
  let row_at = i / shape.column_fours;
  let column = (i - row_at * shape.column_fours) * 4u;
  let tap_at = row_at / shape.padded;
  let c = row_at - tap_at * shape.padded;
  let matrix = tap_at / shape.taps;
  let row = (tap_at - matrix * shape.taps) * shape.inner + min(c, shape.inner - 1u);
  let columns = vec4<u32>(column) + vec4<u32>(0u, 1u, 2u, 3u);
  let at = vec4<u32>(matrix * shape.matrix + row * shape.row_step)
    + min(columns, vec4<u32>(shape.columns - 1u)) * shape.column_step;
  let value = vec4<scalar>(w[at.x], w[at.y], w[at.z], w[at.w]);
  result[i] = select(vec4<scalar>(), value, (columns < vec4<u32>(shape.columns)) & vec4<bool>(c < shape.inner));
}
