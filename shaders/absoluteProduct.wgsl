// |A| x + plus, or |Aᵀ| x + plus, with |z| = |Re z| + |Im z|. One thread: one entry of the result.

fn work(index: u32) {
  let i = index % sizes.rows;
  let entry = index / sizes.rows;
  // From one term of the sum to the next.
  let step = select(1u, sizes.rows, sizes.adjoint == 1u);
  let first = select(i * sizes.columns, i, sizes.adjoint == 1u);
  let baseA = sizes.offsetA + entry * sizes.strideA + first;
  let baseX = sizes.offsetX + entry * sizes.strideX;
  var sum = plus[i * sizes.stridePlus];
  for (var j = 0u; j < sizes.columns; j++) { sum += componentSum(a[baseA + j * step]) * x[baseX + j]; }
  out[sizes.offsetOut + index] = sum;
}
