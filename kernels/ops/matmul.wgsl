// matmul: y = activation(a b + bias) for matrices of any strides (transposed operands) and batches that broadcast; products with one
// constant right operand run on conv2d_direct or conv2d_tiled instead.
// a [..., M, K] or [..., K, M], b [..., K, N] or [..., N, K], bias [N], y [..., M, N].
// Overrides: activation, alpha, beta (shared/activation.wgsl).
// Dispatch: flat, one invocation for four rows and four columns of one matrix of y.
#import "../shared/activation.wgsl"
#import "../shared/flat.wgsl"

struct Shape {
  // Strips of four columns * strips of four rows * matrices.
  invocations: u32,
  column_strips: u32,
  row_strips: u32,
  rows: u32,
  columns: u32,
  inner: u32,
  // Elements from a row, and from an inner index, to the next in a; from an inner index, and from a column, in b.
  a_row: u32,
  a_inner: u32,
  b_inner: u32,
  b_column: u32,
  // Merged leading axes of y, and for each the elements from one index to the next in a and b.
  rank: u32,
  unused: u32,
  sizes: array<vec4<u32>, 2>,
  a_steps: array<vec4<u32>, 2>,
  b_steps: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<storage, read> a: array<scalar>;
@group(0) @binding(1) var<storage, read> b: array<scalar>;
@group(0) @binding(2) var<storage, read> bias: array<scalar>;
@group(0) @binding(3) var<storage, read_write> y: array<scalar>;
@group(0) @binding(4) var<uniform> shape: Shape;

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
  let strip = i / shape.column_strips;
  let column = (i - strip * shape.column_strips) * 4u;
  let matrix = strip / shape.row_strips;
  let row = (strip - matrix * shape.row_strips) * 4u;

  var a_at = 0u;
  var b_at = 0u;
  var rest = matrix;
  for (var axis = shape.rank; axis > 0u; axis--) {
    let at = axis - 1u;
    let size = shape.sizes[at >> 2u][at & 3u];
    let whole = rest / size;
    let index = rest - whole * size;
    a_at += index * shape.a_steps[at >> 2u][at & 3u];
    b_at += index * shape.b_steps[at >> 2u][at & 3u];
    rest = whole;
  }
  // Rows and columns behind the last one are read as the last one.
  let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(shape.rows - 1u));
  let columns = min(vec4<u32>(column) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(shape.columns - 1u));
  var left = vec4<u32>(a_at) + rows * shape.a_row;
  var right = vec4<u32>(b_at) + columns * shape.b_column;
  var s0 = vec4<f32>(0.0);
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  for (var k = 0u; k < shape.inner; k++) {
    let w = vec4<f32>(f32(b[right.x]), f32(b[right.y]), f32(b[right.z]), f32(b[right.w]));
    s0 = fma(vec4<f32>(f32(a[left.x])), w, s0);
    s1 = fma(vec4<f32>(f32(a[left.y])), w, s1);
    s2 = fma(vec4<f32>(f32(a[left.z])), w, s2);
    s3 = fma(vec4<f32>(f32(a[left.w])), w, s3);
    left += vec4<u32>(shape.a_inner);
    right += vec4<u32>(shape.b_inner);
  }
  let added = vec4<f32>(f32(bias[columns.x]), f32(bias[columns.y]), f32(bias[columns.z]), f32(bias[columns.w]));
  let to = (matrix * shape.rows + row) * shape.columns + column;
  store(to, row, column, activate4(s0 + added));
  store(to + shape.columns, row + 1u, column, activate4(s1 + added));
  store(to + 2u * shape.columns, row + 2u, column, activate4(s2 + added));
  store(to + 3u * shape.columns, row + 3u, column, activate4(s3 + added));
}

fn store(to: u32, row: u32, column: u32, value: vec4<f32>) {
  if (row >= shape.rows) {
    return;
  }
  let count = shape.columns - column;
  y[to] = scalar(value.x);
  if (count > 1u) {
    y[to + 1u] = scalar(value.y);
  }
  if (count > 2u) {
    y[to + 2u] = scalar(value.z);
  }
  if (count > 3u) {
    y[to + 3u] = scalar(value.w);
  }
}
