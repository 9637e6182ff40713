// orthogonality: entropy terms of the softmax of each row of similarities (AutoUniSeg Eq. 7), of its diagonal or of the whole row, and the slopes by the
// similarities, written over them; products with the embeddings come before and after.
// slopes [U, U]: X X^T / T, then d value / d of it; rows [U].
// Overrides: alone: a row has one invocation.
// Dispatch: one workgroup for a row, or for 256.
#import "../shared/rows.wgsl"

struct Shape {
  U: u32,
  whole_rows: u32,
}

@group(0) @binding(0) var<storage, read_write> slopes: array<f32>;
@group(0) @binding(1) var<storage, read_write> rows: array<f32>;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = select(256u, 1u, alone);
  let share = share_of(group, groups, index, lanes);
  let row = share.row;
  let base = row * shape.U;
  // Nothing to do for rows beyond the last.
  let end = select(0u, shape.U, row < shape.U);
  var most = -3.4028234e38;
  for (var k = share.lane; k < end; k += lanes) {
    most = max(most, slopes[base + k]);
  }
  most = most_of_row(share, lanes, most);
  var total = 0.0;
  for (var k = share.lane; k < end; k += lanes) {
    total += exp(slopes[base + k] - most);
  }
  total = sum_of_row(share, lanes, total);
  let log_total = log(total);
  var entropy = 0.0;
  var mean = 0.0;
  for (var k = share.lane; k < end; k += lanes) {
    if (shape.whole_rows == 1u || k == row) {
      let log_q = slopes[base + k] - most - log_total;
      let q = exp(slopes[base + k] - most) / total;
      entropy -= q * log_q;
      mean += q * (log_q + 1.0);
    }
  }
  entropy = sum_of_row(share, lanes, entropy);
  mean = sum_of_row(share, lanes, mean);
  if (share.lane == 0u && row < shape.U) {
    rows[row] = entropy;
  }
  for (var k = share.lane; k < end; k += lanes) {
    let log_q = slopes[base + k] - most - log_total;
    let q = exp(slopes[base + k] - most) / total;
    var own = 0.0;
    if (shape.whole_rows == 1u || k == row) {
      own = log_q + 1.0;
    }
    slopes[base + k] = q * (mean - own);
  }
}
