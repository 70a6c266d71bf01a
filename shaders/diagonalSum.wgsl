// Parts of Σ_b Re A_ii. One thread: one row of one part, the sum over `share` batch entries.

fn work(index: u32) {
  let i = index % sizes.n;
  let part = index / sizes.n;
  var sum = 0.0;
  let end = min((part + 1u) * sizes.share, sizes.entries);
  for (var entry = part * sizes.share; entry < end; entry++) {
    sum += realPart(s[sizes.offsetS + entry * sizes.n * sizes.n + i * sizes.n + i]);
  }
  out[sizes.firstPart * sizes.n + index] = sum;
}
