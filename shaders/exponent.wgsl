// floor(log2(a)) of one number: 0 for zero, NaN for what has no exponent (negative, infinite, NaN).

fn work(index: u32) {
  let bits = a[0];
  if (isVanishing(bits)) {
    out[0] = 0u;
  } else if (isPositive(bits)) {
    out[0] = asBits(f32(exponentOf(bits)));
  } else {
    out[0] = nanBits;
  }
}
