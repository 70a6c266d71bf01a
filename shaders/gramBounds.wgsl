// Bounds of ‖P_0‖ from what is known of the powers P_k of Gram iteration as they were computed, f_k = ‖P_k‖_F and r_k = ‖P_k‖_1, with
// P_(k+1) = P̃_k P̃_kᴴ + E_k, ‖E_k‖ ≤ ε min(f̃_k², r̃_k²), P̃_k = P_k but for a power of two that is taken out of every second:
//
//     ‖P_K‖ ≤ min(f_K, r_K),   ‖P̃_k‖ ≤ √(‖P_(k+1)‖ + ε min(f̃_k², r̃_k²)).

struct Moments { peak: u32, square: u32, sum: u32 }

fn momentsOf(k: u32, entry: u32) -> Moments {
  var peak = 0u;
  var square = 0.0;
  var sum = 0u;
  for (var part = 0u; part < sizes.parts; part++) {
    let at = 3u * ((k * sizes.entries + entry) * sizes.parts + part);
    peak = max(peak, moments[at]);
    square += asFloat(moments[at + 1u]);
    sum = max(sum, moments[at + 2u]);
  }
  return Moments(peak, asBits(square), sum);
}

/// min(f², r²), as bits; infinite where neither is a number.
fn leastSquare(found: Moments) -> u32 {
  let sum = asFloat(found.sum);
  let least = min(found.square, asBits(sum * sum));
  return min(least, infinityBits);
}

/// Whether the power of two was taken out of P_k.
fn isNormalised(k: u32) -> bool { return k > 0u && k % 2u == 0u; }

/// A number as bits, times 2^exponent.
struct Scaled { bits: u32, exponent: i32 }

/// ‖P_0‖ from above by powers up to the k-th; infinite where nothing is known.
fn normAbove(total: u32, entry: u32) -> u32 {
  var found = momentsOf(total, entry);
  var square = leastSquare(found);
  if (square >= infinityBits) { return infinityBits; }
  var norm = sizes.margin * sqrt(asFloat(square));
  for (var k = total; k > 0u; ) {
    k--;
    found = momentsOf(k, entry);
    square = leastSquare(found);
    // A power that has left the range says nothing, and its copy is zero.
    if (square >= infinityBits || !isPositive(found.peak)) { return infinityBits; }
    let taken = select(0, exponentOf(found.peak), isNormalised(k));
    norm = sqrt(norm + sizes.epsilon * asFloat(timesPower(square, -2 * taken)));
    norm = asFloat(timesPower(asBits(norm), taken));
  }
  let result = asBits(norm * sizes.slack);
  return min(result, infinityBits);
}
