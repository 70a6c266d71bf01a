// √a entry by entry, NaN of what is negative or NaN. One thread: one entry.

fn work(index: u32) {
  let bits = a[index];
  if (isPositiveFinite(bits)) {
    out[index] = asBits(sqrt(asFloat(bits)));
  } else if ((bits & 0x7fffffffu) == 0u || bits == infinityBits) {
    out[index] = bits;
  } else {
    out[index] = nanBits;
  }
}
