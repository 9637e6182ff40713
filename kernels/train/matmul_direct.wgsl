// matmul_direct: as matmul, without workgroup memory or barriers, for adapters that compute on the CPU: sums in registers, operands from its caches.
// a [M, K] or [K, M], b [K, N] or [N, K], out [M, N].
// Overrides: none.
// Dispatch: flat, one invocation for 8 rows and 4 columns of out, columns first.

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

fn put(m: u32, n: u32, sum: vec4<f32>) {
  if (m >= shape.M) {
    return;
  }
  for (var j = 0u; j < 4u && n + j < shape.N; j++) {
    let at = m * shape.N + n + j;
    var result = shape.scale * sum[j];
    if (shape.keep != 0.0) {
      result += shape.keep * out[at];
    }
    out[at] = result;
  }
}

@compute @workgroup_size(16)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let tile = (group.y * groups.x + group.x) * 16u + index;
  let across = (shape.N + 3u) / 4u;
  let m = tile / across * 8u;
  let n = tile % across * 4u;
  if (m >= shape.M) {
    return;
  }
  // Rows and columns beyond the last read the last, and are not written.
  let row = min(m + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(shape.M - 1u)) * shape.a_m;
  let next = min(m + vec4<u32>(4u, 5u, 6u, 7u), vec4<u32>(shape.M - 1u)) * shape.a_m;
  let column = min(n + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(shape.N - 1u)) * shape.b_n;
  var s0 = vec4<f32>(0.0);
  var s1 = vec4<f32>(0.0);
  var s2 = vec4<f32>(0.0);
  var s3 = vec4<f32>(0.0);
  var s4 = vec4<f32>(0.0);
  var s5 = vec4<f32>(0.0);
  var s6 = vec4<f32>(0.0);
  var s7 = vec4<f32>(0.0);
  for (var k = 0u; k < shape.K; k++) {
    let at = k * shape.a_k;
    let bt = k * shape.b_k;
    let y = vec4<f32>(b[bt + column.x], b[bt + column.y], b[bt + column.z], b[bt + column.w]);
    s0 += a[at + row.x] * y;
    s1 += a[at + row.y] * y;
    s2 += a[at + row.z] * y;
    s3 += a[at + row.w] * y;
    s4 += a[at + next.x] * y;
    s5 += a[at + next.y] * y;
    s6 += a[at + next.z] * y;
    s7 += a[at + next.w] * y;
  }
  put(m, n, s0);
  put(m + 1u, n, s1);
  put(m + 2u, n, s2);
  put(m + 3u, n, s3);
  put(m + 4u, n, s4);
  put(m + 5u, n, s5);
  put(m + 6u, n, s6);
  put(m + 7u, n, s7);
}
