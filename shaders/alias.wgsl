// factor · sums of `count` consecutive batch entries. One thread: one component of one sum. A group of entries that is split over
// two buffers is added to what its first part has left.

fn work(index: u32) {
  let component = index % sizes.components;
  let output = sizes.firstOut + index / sizes.components;
  let start = max(sizes.firstIn, output * sizes.count);
  let end = min(sizes.firstIn + sizes.entries, (output + 1u) * sizes.count);
  var sum = 0.0;
  for (var entry = start; entry < end; entry++) {
    sum += s[sizes.offsetIn + (entry - sizes.firstIn) * sizes.components + component];
  }
  let at = sizes.offsetOut + index;
  if (start > output * sizes.count) {
    out[at] += sizes.factor * sum;
  } else {
    out[at] = sizes.factor * sum;
  }
}
