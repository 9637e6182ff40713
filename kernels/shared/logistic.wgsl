// The sigmoid and its logarithms without overflow or cancellation, and whole powers that are exact products. No bindings.

// 1 / (1 + e^-x) by e^-|x|, which never overflows.
fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}

// ln(1 + e) for e from 0 to 1: 2 artanh(e / (2 + e)) by its series; the next term is below 2e-9 of the sum.
fn log1p(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let q = s * s;
  let tail = q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q / 15.0))))));
  return 2.0 * s * (1.0 + tail);
}

// ln(1 + e^x); x for large x.
fn softplus(x: f32) -> f32 {
  return max(x, 0.0) + log1p(exp(-abs(x)));
}

// x^y for x from 0 on, with 0^0 = 1.
fn power(x: f32, y: f32) -> f32 {
  if (y == 0.0) {
    return 1.0;
  }
  if (y == 1.0) {
    return x;
  }
  if (y == 2.0) {
    return x * x;
  }
  if (y == 4.0) {
    return (x * x) * (x * x);
  }
  if (x <= 0.0) {
    return 0.0;
  }
  return pow(x, y);
}
