// What elimination has left, which may be minus the inverse, or NaN all over where a matrix is not positive definite. One thread: one
// component.

fn work(index: u32) {
  let at = sizes.offsetX + index;
  let sign = select(0u, signBit, negated);
  x[at] = select(nanBits, x[at] ^ sign, definite[0] == 1.0);
}
