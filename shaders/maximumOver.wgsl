// The largest of a over windows: window k holds indices[starts[k] … starts[k + 1]]. NaN wins. One thread: one window.

fn work(index: u32) {
  var most = a[indices[starts[index]]];
  for (var p = starts[index] + 1u; p < starts[index + 1u]; p++) { most = larger(most, a[indices[p]]); }
  out[index] = most;
}
