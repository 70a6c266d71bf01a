// ½(Z + Zᴴ), Z_ij = coefficients_i / shares_i · S_ij / |S_ij| where row i attains its largest sum. One thread: one entry.

fn weight(entry: u32, i: u32) -> f32 {
  return attains[entry * sizes.n + i] * coefficients[i] / max(shares[i], 1.0);
}

fn work(index: u32) {
  let j = index % sizes.n;
  let i = (index / sizes.n) % sizes.n;
  let entry = sizes.first + index / (sizes.n * sizes.n);
  let value = s[sizes.offsetS + index];
  let size = modulus(value);
  var result = fromReal(0.0);
  // S is Hermitian: both halves point the way of S_ij.
  if (size > 0.0) { result = scaled(0.5 * (weight(entry, i) + weight(entry, j)) / size, value); }
  out[sizes.offsetOut + index] = result;
}
