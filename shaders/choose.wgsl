// Of two candidates the one with the smaller score, the first of equals; a NaN score never wins, and two of them give NaN.
// One thread: one entry.

fn work(index: u32) {
  let bad0 = isNaN(score0[0]);
  let bad1 = isNaN(score1[0]);
  let takes1 = !bad1 && (bad0 || order(score1[0]) < order(score0[0]));
  let lost = bad0 && bad1;
  out[index] = select(select(candidate0[index], candidate1[index], takes1), nanBits, lost);
  if (index == 0u) { score[0] = select(select(score0[0], score1[0], takes1), nanBits, lost); }
}
