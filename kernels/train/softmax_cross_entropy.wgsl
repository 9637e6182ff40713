// softmax_cross_entropy: w (logsumexp(x) - x[label]) of each row, and its gradient w (softmax(x) - one-hot), over all columns or those of a data set.
// logits, gradient [P, C], labels [P] (-1: ignored), columns [C] bytes, weights, rows [P]. Logits are read once where C is at most 3072,
// twice where a row has one invocation.
// Overrides: alone: a row has one invocation.
// Dispatch: one workgroup for 256 / lanes rows.
#import "../shared/rows.wgsl"
#import "../shared/states.wgsl"

struct Shape {
  P: u32,
  C: u32,
  lanes: u32,
  has_columns: u32,
  has_weights: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> rows: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(6) var<uniform> shape: Shape;

const kept = 3072u;
const lowest = -3.4028234e38;

// What an invocation reads it keeps for itself: element k of its row stands at (k / lanes) * 256 + slot.
var<workgroup> cache: array<f32, 3072>;

fn takes_part(c: u32) -> bool {
  return shape.has_columns == 0u || byte_of(columns[c >> 2u], c) != 0u;
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = shape.lanes;
  let share = share_of(group, groups, index, lanes);
  let base = share.row * shape.C;
  var label = -1;
  var weight = 1.0;
  if (share.row < shape.P) {
    label = labels[share.row];
    if (shape.has_weights == 1u) {
      weight = weights[share.row];
    }
  }
  let counts = label >= 0 && weight != 0.0;
  let fits = !alone && (shape.C + lanes - 1u) / lanes * 256u <= kept;
  var most = lowest;
  var sum = 0.0;
  var own = 0.0;
  if (alone) {
    // The sum is that of e^(x - most), whatever the largest so far is.
    for (var c = 0u; counts && c < shape.C; c++) {
      if (takes_part(c)) {
        let x = logits[base + c];
        let e = exp(-abs(x - most));
        sum = select(sum + e, sum * e + 1.0, x > most);
        most = max(most, x);
      }
    }
    if (counts) {
      own = most - logits[base + u32(label)];
    }
  } else if (counts) {
    for (var c = share.lane; c < shape.C; c += lanes) {
      let x = logits[base + c];
      if (fits) {
        cache[c / lanes * 256u + share.slot] = x;
      }
      if (takes_part(c)) {
        most = max(most, x);
      }
    }
  }
  most = most_of_row(share, lanes, most);
  if (counts && !alone) {
    for (var c = share.lane; c < shape.C; c += lanes) {
      var x = 0.0;
      if (fits) {
        x = cache[c / lanes * 256u + share.slot];
      } else {
        x = logits[base + c];
      }
      if (i32(c) == label) {
        own = most - x;
      }
      var e = 0.0;
      if (takes_part(c)) {
        e = exp(x - most);
      }
      if (fits) {
        cache[c / lanes * 256u + share.slot] = e;
      }
      sum += e;
    }
  }
  sum = sum_of_row(share, lanes, sum);
  own = sum_of_row(share, lanes, own);
  if (share.row >= shape.P) {
    return;
  }
  if (share.lane == 0u) {
    rows[share.row] = select(0.0, weight * (own + log(max(sum, 1.0))), counts);
  }
  for (var c = share.lane; c < shape.C; c += lanes) {
    var slope = 0.0;
    if (counts && takes_part(c)) {
      var e = 0.0;
      if (fits) {
        e = cache[c / lanes * 256u + share.slot];
      } else {
        e = exp(logits[base + c] - most);
      }
      slope = shape.scale * weight * (e / sum - select(0.0, 1.0, i32(c) == label));
    }
    gradient[base + c] = slope;
  }
}
