// Reads JSON numbers from bytes, correctly rounded to double precision: exact small cases, then Eisel and Lemire's product, then the host.

/** Number(text) of the host, for the few numbers that both fast ways refuse: over 19 digits, or exponents beyond the table. */
@external("env", "parseNumber")
declare function parseNumber(text: usize, length: usize): f64;

/** The value that `readNumber` read last. */
export let value: f64 = 0;
/** Where `readNumber` gave up, when it returned 0. */
export let refusedAt: usize = 0;

/** Powers of ten that are exact doubles. */
const exactPowers = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]);

/** Largest |exponent of ten| in the table of 128-bit powers of five, which the host writes (see sdk/evaluate/input/powers.ts). */
export const tableReach: i32 = 64;
const table = memory.data(129 * 16, 16);

/** Place of the table: 129 pairs (high, low) of u64, for 5^-64 to 5^64. */
export function powersOfFive(): usize {
  return table;
}

// @ts-ignore: decorator
@inline function highProduct(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
  const low = a0 * b0;
  const mid1 = a1 * b0 + (low >> 32);
  const mid2 = a0 * b1 + (mid1 & 0xffffffff);
  return a1 * b1 + (mid1 >> 32) + (mid2 >> 32);
}

/** Infinity where the result is no normal double: then the caller asks the host. (Lemire 2021, Number parsing at a gigabyte per second; the table is exact enough to need no second check, Mushtak and Lemire 2022.) */
function multiplyOut(mantissa: u64, exponent: i32): f64 {
  const zeros = <i32>clz<u64>(mantissa);
  const w = mantissa << zeros;
  const entry = table + (<usize>(exponent + tableReach) << 4);
  const five = load<u64>(entry);
  let low = w * five;
  let high = highProduct(w, five);
  if ((high & 0x1ff) == 0x1ff) {
    const second = highProduct(w, load<u64>(entry, 8));
    low += second;
    if (low < second) high++;
  }
  const upper = <i32>(high >> 63);
  let bits = high >> (upper + 9);
  let power = ((217706 * exponent) >> 16) + 63 + upper - zeros + 1023;
  if (power <= 0) return Infinity;
  // Exactly half-way between two doubles: round to even.
  if (low <= 1 && exponent >= -4 && exponent <= 23 && (bits & 3) == 1 && bits << (upper + 9) == high) bits &= ~1;
  bits = (bits + (bits & 1)) >> 1;
  if (bits >= <u64>2 << 52) {
    bits = <u64>1 << 52;
    power++;
  }
  if (power >= 0x7ff) return Infinity;
  return reinterpret<f64>((bits & 0xfffffffffffff) | (<u64>power << 52));
}

function refuse(p: usize): usize {
  refusedAt = p;
  return 0;
}

/**
 * Reads the number at `p` into `value` and returns the place behind it, or 0 where there is none. The byte behind the text must be none that
 * a number may hold. Besides JSON's numbers it knows NaN, Infinity and -Infinity, which Python writes.
 */
export function readNumber(p: usize): usize {
  const start = p;
  let c = <u32>load<u8>(p);
  const negative = c == 45;
  if (negative) c = <u32>load<u8>(++p);
  let digit = c - 48;
  if (digit > 9) {
    if (c == 73 && load<u64>(p) == 0x7974696e69666e49) {
      value = negative ? -Infinity : Infinity;
      return p + 8;
    }
    if (!negative && c == 78 && load<u8>(p, 1) == 97 && load<u8>(p, 2) == 78) {
      value = NaN;
      return p + 3;
    }
    return refuse(p);
  }
  let mantissa: u64 = digit;
  let first = p;
  c = <u32>load<u8>(++p);
  if (digit == 0) {
    if (c - 48 <= 9) return refuse(p);
  } else {
    for (digit = c - 48; digit <= 9; digit = c - 48) {
      mantissa = mantissa * 10 + digit;
      c = <u32>load<u8>(++p);
    }
  }
  let exponent: i32 = 0;
  let digits: usize = p - first;
  if (c == 46) {
    const fraction = ++p;
    c = <u32>load<u8>(p);
    for (digit = c - 48; digit <= 9; digit = c - 48) {
      mantissa = mantissa * 10 + digit;
      c = <u32>load<u8>(++p);
    }
    if (p == fraction) return refuse(p);
    exponent = -<i32>(p - fraction);
    digits = p - first - 1;
  }
  if (digits > 19) {
    // Zeros in front do not count.
    while (load<u8>(first) == 48 || load<u8>(first) == 46) {
      if (load<u8>(first) == 48) digits--;
      first++;
      if (first >= p) break;
    }
  }
  if ((c | 32) == 101) {
    c = <u32>load<u8>(++p);
    const down = c == 45;
    if (down || c == 43) c = <u32>load<u8>(++p);
    digit = c - 48;
    if (digit > 9) return refuse(p);
    let written: i32 = 0;
    while (digit <= 9) {
      if (written < 100000) written = written * 10 + <i32>digit;
      c = <u32>load<u8>(++p);
      digit = c - 48;
    }
    exponent += down ? -written : written;
  }
  let result: f64 = Infinity;
  if (<isize>digits <= 19) {
    if (mantissa == 0) result = 0;
    else if (mantissa <= 9007199254740992 && exponent >= -22 && exponent <= 22) {
      const power = load<f64>(exactPowers + (<usize>abs(exponent) << 3));
      result = exponent < 0 ? <f64>mantissa / power : <f64>mantissa * power;
    } else if (exponent >= -tableReach && exponent <= tableReach) result = multiplyOut(mantissa, exponent);
  }
  if (result == Infinity) value = parseNumber(start, p - start);
  else value = negative ? -result : result;
  return p;
}
