// √a entry by entry, NaN of what is negative or NaN. One thread: one entry.

fn work(index: u32) {
  let bits = a[index];
  if (isPositive(bits)) {
    out[index] = asBits(sqrt(asFloat(bits)));
  } else if (isVanishing(bits)) {
    out[index] = 0u;
  } else if (bits == infinityBits) {
    out[index] = infinityBits;
  } else {
    out[index] = nanBits;
  }
}
