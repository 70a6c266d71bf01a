// Real entries. `Scalar` is one entry of a matrix, `Four` are four of them; shaders/complex.wgsl has the same names.

alias Scalar = f32;
alias Four = vec4f;

fn conjugate(x: Scalar) -> Scalar { return x; }
fn realPart(x: Scalar) -> f32 { return x; }
fn imaginaryPart(x: Scalar) -> f32 { return 0.0; }
fn scalarOf(re: f32, im: f32) -> Scalar { return re; }
fn fromReal(x: f32) -> Scalar { return x; }
fn modulus(x: Scalar) -> f32 { return abs(x); }
fn componentSum(x: Scalar) -> f32 { return abs(x); }
/// As bits; NaN is above infinity.
fn largestComponent(x: Scalar) -> u32 { return asBits(x) & 0x7fffffffu; }
fn hasNaN(x: Scalar) -> bool { return isNaN(asBits(x)); }
fn times(x: Scalar, y: Scalar) -> Scalar { return x * y; }
fn scaled(factor: f32, x: Scalar) -> Scalar { return factor * x; }
/// Re(x conj(y)).
fn realProduct(x: Scalar, y: Scalar) -> f32 { return x * y; }

fn four(x0: Scalar, x1: Scalar, x2: Scalar, x3: Scalar) -> Four { return vec4f(x0, x1, x2, x3); }
fn noFour() -> Four { return vec4f(0.0); }
fn first(x: Four) -> Scalar { return x.x; }
fn second(x: Four) -> Scalar { return x.y; }
fn third(x: Four) -> Scalar { return x.z; }
fn fourth(x: Four) -> Scalar { return x.w; }
/// sum + x y.
fn accumulated(sum: Four, x: Scalar, y: Four) -> Four { return sum + x * y; }
