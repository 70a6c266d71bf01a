// The sum of a over windows: window k holds indices[starts[k] … starts[k + 1]]. One thread: one window.

fn work(index: u32) {
  var sum = 0.0;
  for (var p = starts[index]; p < starts[index + 1u]; p++) { sum += a[indices[p]]; }
  out[index] = sum;
}
