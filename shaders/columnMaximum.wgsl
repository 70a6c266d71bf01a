// Parts of max_b x_i of real columns. One thread: one row of one part, the largest over `share` batch entries.

fn work(index: u32) {
  let i = index % sizes.n;
  let part = index / sizes.n;
  var most = asBits(s[sizes.offsetS + part * sizes.share * sizes.n + i]);
  let end = min((part + 1u) * sizes.share, sizes.entries);
  for (var entry = part * sizes.share + 1u; entry < end; entry++) {
    most = larger(most, asBits(s[sizes.offsetS + entry * sizes.n + i]));
  }
  out[sizes.firstPart * sizes.n + index] = most;
}
