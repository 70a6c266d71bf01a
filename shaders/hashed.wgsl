/// Numbers between −1 and 1 without structure, by an integer hash (PCG: Jarzynski & Olano, "Hash functions for GPU rendering", JCGT 2020).
fn hashed(index: u32) -> f32 {
  let state = index * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return f32((word >> 22u) ^ word) * 4.6566129e-10 - 1.0;
}
