// matmul: out = scale (a b) + keep out, either operand transposed by its strides: layers forward and backward, and sums of products.
// a [M, K] or [K, M], b [K, N] or [N, K], out [M, N].
// Overrides: none.
// Dispatch: one workgroup for 64 x 64 of out, x along N, y along M.

struct Shape {
  M: u32,
  N: u32,
  K: u32,
  // Elements from one row, or column, to the next.
  a_m: u32,
  a_k: u32,
  b_k: u32,
  b_n: u32,
  scale: f32,
  keep: f32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;

const side = 64u;
const depth = 16u;

// [depth, side]
var<workgroup> left: array<f32, 1024>;
var<workgroup> right: array<f32, 1024>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let m0 = group.y * side;
  let n0 = group.x * side;
  let row = index / 16u * 4u;
  let column = index % 16u * 4u;
  var sums: array<vec4<f32>, 4>;
  for (var k0 = 0u; k0 < shape.K; k0 += depth) {
    for (var i = index; i < side * depth; i += 256u) {
      // Neighbours read neighbours, whichever way an operand lies.
      let along_k = shape.a_k == 1u;
      let k = select(i / side, i % depth, along_k);
      let m = select(i % side, i / depth, along_k);
      var x = 0.0;
      if (m0 + m < shape.M && k0 + k < shape.K) {
        x = a[(m0 + m) * shape.a_m + (k0 + k) * shape.a_k];
      }
      left[k * side + m] = x;
      let b_along_k = shape.b_n != 1u;
      let kb = select(i / side, i % depth, b_along_k);
      let n = select(i % side, i / depth, b_along_k);
      var y = 0.0;
      if (n0 + n < shape.N && k0 + kb < shape.K) {
        y = b[(k0 + kb) * shape.b_k + (n0 + n) * shape.b_n];
      }
      right[kb * side + n] = y;
    }
    workgroupBarrier();
    for (var k = 0u; k < depth; k++) {
      let at = k * side;
      let y = vec4<f32>(right[at + column], right[at + column + 1u], right[at + column + 2u], right[at + column + 3u]);
      sums[0] += left[at + row] * y;
      sums[1] += left[at + row + 1u] * y;
      sums[2] += left[at + row + 2u] * y;
      sums[3] += left[at + row + 3u] * y;
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    let m = m0 + row + i;
    for (var j = 0u; j < 4u; j++) {
      let n = n0 + column + j;
      if (m < shape.M && n < shape.N) {
        let at = m * shape.N + n;
        var result = shape.scale * sums[i][j];
        if (shape.keep != 0.0) {
          result += shape.keep * out[at];
        }
        out[at] = result;
      }
    }
  }
}
