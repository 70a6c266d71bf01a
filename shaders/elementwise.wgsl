// Operations of which a generated kernel makes chains, entry by entry, on numbers as bits (src/engine/webgpu/memory/vector.ts). What a chain
// computes on the way is what stored vectors would hold: `nothing` is 0, but no compiler knows, and so none takes operations together.

fn stored(x: f32) -> u32 { return asBits(x) ^ sizes.nothing; }

fn scaledBy(alpha: f32, a: u32) -> u32 { return stored(alpha * asFloat(a)); }
fn plusScaled(sum: u32, beta: f32, b: u32) -> u32 { return stored(asFloat(sum) + beta * asFloat(b)); }
fn multiplied(a: u32, b: u32) -> u32 { return stored(asFloat(a) * asFloat(b)); }
fn reciprocalOf(a: u32) -> u32 { return stored(1.0 / asFloat(a)); }

/// √a, NaN of what is negative or NaN.
fn rootOf(a: u32) -> u32 {
  if (isPositive(a)) { return stored(sqrt(asFloat(a))); }
  if (isVanishing(a)) { return 0u; }
  return select(nanBits, infinityBits, a == infinityBits);
}

/// a · 2^(sign · e), e an integer.
fn timesPowerOf(a: u32, sign: f32, e: u32) -> u32 {
  if (isNaN(e)) { return nanBits; }
  return timesPower(a, i32(sign * asFloat(e)));
}

/// floor(log2(a)): 0 for zero, NaN for what has no exponent (negative, infinite, NaN).
fn exponentNumber(a: u32) -> u32 {
  if (isVanishing(a)) { return 0u; }
  if (isPositive(a)) { return asBits(f32(exponentOf(a))); }
  return nanBits;
}
