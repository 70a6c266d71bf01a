// a · 2^(sign · e). One thread: one component.

fn work(index: u32) {
  if (isNaN(asBits(e[0]))) {
    out[sizes.offsetOut + index] = nanBits;
  } else {
    out[sizes.offsetOut + index] = timesPower(a[sizes.offsetA + index], sizes.sign * i32(e[0]));
  }
}
