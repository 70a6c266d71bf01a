// Which rows of which batch entries attain their largest sum: 1 or 0. One thread: one row of one entry.

/// A row attains it if it comes this close: sums of another order differ by rounding.
const attained = 0.99999;

fn work(index: u32) {
  let i = index % sizes.n;
  let base = sizes.offsetS + (index / sizes.n) * sizes.n * sizes.n + i;
  var sum = 0.0;
  for (var j = 0u; j < sizes.n; j++) { sum += modulus(s[base + j * sizes.n]); }
  out[sizes.first * sizes.n + index] = select(0.0, 1.0, sum >= attained * sums[i]);
}
