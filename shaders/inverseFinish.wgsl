// Minus what elimination has left, or NaN all over where a matrix is not positive definite. One thread: one component.

fn work(index: u32) {
  let at = sizes.offsetX + index;
  x[at] = select(nanBits, x[at] ^ signBit, definite[0] == 1.0);
}
