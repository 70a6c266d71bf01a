/**
 * x times the distribution of a normal variable, as it is defined and by tanh.
 *
 * The ends of the slopes of GELU are Φ(√2) + √2 φ(√2) and one minus it; those of tanh-GELU are φ′ at the roots of φ″, found
 * with 50 digits (mpmath: Newton on φ″ from a scan of φ′). They are written here with the 15th digit rounded outward.
 */
import { type Definition, interval, turningAt } from './definition.ts';
import { erf } from './errorFunction.ts';

/** ½ x (1 + erf(rate · x)); the rate is 1/√2 unless given: x Φ(x), Φ the normal distribution */
export interface Gelu {
  readonly name: 'gelu';
  readonly rate?: number;
}

export const gelu: Definition<Gelu> = {
  examples: [{ name: 'gelu' }, { name: 'gelu', rate: 0.75 }, { name: 'gelu', rate: -0.5 }],
  parameters: (f) => (f.rate === undefined ? [] : [f.rate]),
  check: (f, demand) => demand.finite('rate', f.rate ?? 0),
  value: (f, x) => x * normalDistribution(x, f.rate),
  // ½ (1 + erf(r x)) + (r x / √π) exp(−(r x)²)
  derivative(f, x) {
    const rate = f.rate ?? Math.SQRT1_2;
    const y = rate * x;
    return normalDistribution(x, rate) + (y * Math.exp(-y * y)) / Math.sqrt(Math.PI);
  },
  // Of any rate: the derivative is a function of rate · x.
  slopes: () => interval(-0.128904145185155, 1.12890414518516), // 1.1289041451851547863…
  kinks: () => [],
  // √(2/π), times √2 rate
  curvature: (f) => (f.rate === undefined ? 0.8 : 1.13 * Math.abs(f.rate)),
  // φ″ vanishes where (rate · x)² = 1.
  turns({ rate = Math.SQRT1_2 }, from, to) {
    return rate === 0 ? [] : turningAt([-1 / rate, 1 / rate], from, to);
  },
};

/** ½ (1 + erf(rate · x)); without a rate Φ(x) */
function normalDistribution(x: number, rate?: number): number {
  return 0.5 * (1 + erf(rate === undefined ? x / Math.SQRT2 : rate * x));
}

/** ½ x (1 + tanh(rate (x + cubic x³))), √(2/π) and 0.044715 unless given; both positive, near those */
export interface GeluTanh {
  readonly name: 'gelu-tanh';
  readonly constants?: TanhGelu;
}

/** The constants of a tanh-GELU that are not the usual ones, as of float32. */
export interface TanhGelu {
  readonly rate: number;
  readonly cubic: number;
}

const USUAL: TanhGelu = { rate: Math.sqrt(2 / Math.PI), cubic: 0.044715 };

export const geluTanh: Definition<GeluTanh> = {
  examples: [
    { name: 'gelu-tanh' },
    { name: 'gelu-tanh', constants: { rate: Math.fround(USUAL.rate), cubic: Math.fround(USUAL.cubic) } },
  ],
  parameters: ({ constants }) => (constants === undefined ? [] : [constants.rate, constants.cubic]),
  check({ constants }, demand) {
    demand.that(
      isTanhGelu(constants ?? USUAL),
      'constants must be near the usual ones',
      constants?.rate ?? 0,
    );
  },
  value: (f, x) => 0.5 * x * (1 + Math.tanh(tanhArgument(f.constants ?? USUAL, x))),
  derivative(f, x) {
    const constants = f.constants ?? USUAL;
    const t = Math.tanh(tanhArgument(constants, x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * constants.rate * (1 + 3 * constants.cubic * x * x);
  },
  slopes(f) {
    const beyond = f.constants ? tanhGeluDistance(f.constants) : 0;
    return interval(-0.128993068658772 - beyond, 1.12899306865878 + beyond); // 1.1289930686587717654…
  },
  kinks: () => [],
  // In the notation of tanhGeluDistance: |h″| ≤ κ (1 + 3 c₀ v²) sech² a (2 + 3 |a|), 3 c₀ v² ≤ 0.54 a² for κ ≥ ½,
  // and sech² a (1 + 0.54 a²) (2 + 3 |a|) ≤ 4.
  curvature: (f) => (f.constants === undefined ? 0.8 : 4 * f.constants.rate),
  turns({ constants }, from, to) {
    // Of other constants they lie elsewhere: by about as much as ln κ differs, in the notation of tanhGeluDistance.
    if (constants && tanhGeluDistance(constants) > NEAR_ENOUGH) return undefined;
    return turningAt([-1.41850400879083, 1.41850400879083], from, to);
  },
};

/** As near to the usual constants as float32 is; then turns are where they usually are. */
const NEAR_ENOUGH = 2 ** -22;

/** Beyond, the slopes of a tanh-GELU would be widened by more than a percent or two. */
const FARTHEST_TANH_GELU = 2 ** -6;

/** Whether a tanh-GELU with these constants has bounds worth having. */
export function isTanhGelu(constants: TanhGelu): boolean {
  return tanhGeluDistance(constants) <= FARTHEST_TANH_GELU;
}

/**
 * How far the slopes of ½ x (1 + tanh(k (x + c x³))) may leave those for k₀ = √(2/π), c₀ = 0.044715; rounded up.
 *
 * With s = √(c/c₀) and v = s x it is h(v)/s, h with c₀ in place of c and κ = k/s in place of k: scaling leaves slopes
 * alone, and they depend on κ only. With a = κ (v + c₀ v³) and w = κ v (1 + 3 c₀ v²),
 *
 *     h′(v) = ½ (1 + tanh a) + ½ w sech² a,   κ ∂h′/∂κ = sech² a (½ a + ½ w − a w tanh a).
 *
 * For v ≥ 0 (h′(−v) = 1 − h′(v)) w lies between a and 3 a. The bracket is linear in w, so between its values at both:
 * at most ½ a + ½ 3 a = 2 a, and 2 a sech² a ≤ 0.9; at least 2 a − 3 a² or a − a², and sech² a (3 a² − 2 a) ≤
 * 4 e^(−2a) (3 a² − 2 a) ≤ 0.76, sech² a (a² − a) less. So |∂h′/∂ ln κ| ≤ 0.9, and no slope moves by more than
 * 0.9 |ln κ/k₀| ≤ |ln k/k₀ − ½ ln c/c₀| (half the difference of 0.1 covers rounding where that is not tiny, 2^-48 where
 * it is).
 */
function tanhGeluDistance({ rate, cubic }: TanhGelu): number {
  return Math.abs(Math.log(rate / USUAL.rate) - Math.log(cubic / USUAL.cubic) / 2) + 2 ** -48;
}

function tanhArgument({ rate, cubic }: TanhGelu, x: number): number {
  return rate * (x + cubic * x ** 3);
}
