// Sigmoid and its logarithms without overflow or cancellation, in doubles.

/** ln(1 + e^x); x for large x. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** 1 / (1 + e^-x) */
export const sigmoid = (x: number): number => {
  const e = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
};

/** x^y with 0^0 = 1; whole exponents are exact products. */
export const power = (x: number, y: number): number => (y === 0 ? 1 : y === 1 ? x : y === 2 ? x * x : x ** y);
