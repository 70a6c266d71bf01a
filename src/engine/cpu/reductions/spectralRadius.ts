/**
 * max_b ‖S[b]‖₂ of Hermitian matrices, proven from above.
 *
 * An estimate θ of one entry's norm (Lanczos, from below) proposes a shift s slightly above it; Cholesky factorisations
 * of sI − S[b] and sI + S[b] that run through prove ‖S[b]‖₂ ≤ s for every entry b (Rump, "Verification of positive
 * definiteness", BIT 2006). An entry that fails gets an estimate of its own, s grows, and only what is still
 * unproven is tried again. Entries come in falling order of an elementary bound, so that of many nearly equal ones the
 * largest tends to come first and a few rounds do.
 */
import { unitRoundoffs } from '../../precision.ts';
import type { Eventually } from '../../queued/operations.ts';
import { type Dense, entryLength } from '../dense.ts';
import type { Kernels } from '../kernels.ts';
import { modulus } from '../modulus.ts';
import { floorLog2, powerFactors, timesPower } from '../powers.ts';
import { writeShifted } from '../shifted.ts';
import { allocate, recycle } from '../storage.ts';
import { largestEigenvalue } from './lanczos.ts';

const unitRoundoff = unitRoundoffs.double;
/** Doubles of the batch that are examined together, and of the shifted copies that are factored together. */
const chunkLength = 2 ** 22;
/** Between 2^-200 and 2^200 no square on the way overflows, and none that matters vanishes: nothing has to be scaled. */
const moderateExponent = 200;

/** What is asked of all matrices of a batch, and who answers. */
export interface Survey {
  /** All times 2^e, in an array from `allocate`. */
  scaled(s: Dense, e: number): Eventually<Float64Array>;
  /** Largest |component|; NaN if there is one. */
  largestPart(s: Dense): Eventually<number>;
  /** Of finite matrices of moderate size. */
  profiles(s: Dense): Eventually<readonly Profile[]>;
  /** For each of `entries` 1 where shift·I + sign·S is positive definite by Cholesky, else 0. */
  definite(s: Dense, entries: readonly number[], shift: number, sign: 1 | -1): Eventually<ArrayLike<number>>;
}

/** max_b ‖S[b]‖₂ from above, within a factor 1 + 1e-9 up to n = 2000. NaN if S holds one. */
export function spectralRadius(kernels: Kernels, s: Dense, survey = surveyBy(kernels)): Promise<number> {
  return provenRadius(kernels, s, 'kept', survey);
}

/** max_b ‖½(S[b] − diag S[b])‖₂ likewise. */
export async function offDiagonalRadius(
  kernels: Kernels,
  s: Dense,
  survey = surveyBy(kernels),
): Promise<number> {
  return roundedUp(await provenRadius(kernels, s, 'dropped', survey), -1);
}

async function provenRadius(
  kernels: Kernels,
  s: Dense,
  diagonal: 'kept' | 'dropped',
  survey: Survey,
): Promise<number> {
  const largest = await survey.largestPart(s);
  if (!(largest < Number.POSITIVE_INFINITY)) return largest;
  const exponent = floorLog2(largest);
  const scale = Math.abs(exponent) <= moderateExponent ? 0 : exponent;
  const unit = 2 ** (exponent - scale);
  const length = entryLength(s);
  const step = Math.max(1, Math.floor(chunkLength / length));
  let bound: Bound = { shift: 0, trace: 0 };
  for (let start = 0; start < s.batch; start += step) {
    const end = Math.min(s.batch, start + step);
    const part = { ...s, batch: end - start, data: s.data.subarray(start * length, end * length) };
    const data = scale === 0 && diagonal === 'kept' ? part.data : await survey.scaled(part, -scale);
    const chunk = { ...part, data };
    if (diagonal === 'dropped') clearDiagonal(chunk);
    bound = await raise(kernels, chunk, bound, unit, survey);
    recycle(data);
  }
  return roundedUp(bound.shift + choleskyError(s.rows, s.complex, bound), scale);
}

/** What is proven so far: Cholesky ran through at `shift` for all entries seen, of which none has |trace| beyond
 *  `trace`. */
interface Bound {
  readonly shift: number;
  readonly trace: number;
}

/** Elementary facts on one entry. */
export interface Profile {
  /** At least the spectral norm: the smaller of the largest row sum and the Frobenius norm. */
  readonly ceiling: number;
  /** At most the smallest eigenvalue (Gershgorin), up to rounding. */
  readonly floor: number;
  readonly trace: number;
}

/** Raises the shift until it is proven for every entry of the chunk. `unit`: of the size of the largest of all parts. */
async function raise(
  kernels: Kernels,
  chunk: Dense,
  before: Bound,
  unit: number,
  survey: Survey,
): Promise<Bound> {
  const n = chunk.rows;
  const profiles = await survey.profiles(chunk);
  const trace = profiles.reduce((most, { trace }) => Math.max(most, trace), before.trace);
  let pending = profiles.map((_, b) => b).sort((a, b) => profiles[b]!.ceiling - profiles[a]!.ceiling);
  let shift = before.shift;
  // Enough for Cholesky to run through at an accurate estimate: its typical error is far below the bound.
  let margin = 16 * n * unitRoundoff + 1e-13;
  const estimated = new Set<number>();
  const prune = async () => {
    pending = pending.filter((b) => !(profiles[b]!.ceiling <= shift));
    if (shift > 0 && pending.length > 0) pending = await unproven(survey, chunk, profiles, pending, shift);
  };

  await prune();
  while (pending.length > 0) {
    const leader = pending.find((b) => !estimated.has(b));
    let target = 0;
    if (leader !== undefined) {
      estimated.add(leader);
      const entry = chunk.data.subarray(leader * entryLength(chunk), (leader + 1) * entryLength(chunk));
      target = (await largestEigenvalue(kernels, entry, n, chunk.complex)) * (1 + margin);
    }
    if (target > shift) {
      shift = target;
    } else {
      // It failed at more than its estimate, so rounding (or a misled Lanczos) is in the way. The shift now grows
      // geometrically and reaches every ceiling in the end.
      shift = Math.max(shift, target, pending.length > 0 ? 2 ** -50 * unit : 0) * (1 + margin);
      margin *= 8;
    }
    await prune();
  }
  return { shift, trace };
}

/** Those of `candidates` for which Cholesky does not prove −shift·I ≺ S ≺ shift·I. */
async function unproven(
  survey: Survey,
  chunk: Dense,
  profiles: readonly Profile[],
  candidates: readonly number[],
  shift: number,
): Promise<number[]> {
  const above = await survey.definite(chunk, candidates, shift, -1);
  // −S ≺ shift·I is plain where Gershgorin's discs end above −shift, as for most covariances.
  const twoSided = candidates.filter((b, i) => above[i] === 1 && !(profiles[b]!.floor > -shift));
  const below = await survey.definite(chunk, twoSided, shift, 1);
  const failedBelow = new Set(twoSided.filter((_, i) => below[i] !== 1));
  return candidates.filter((b, i) => above[i] !== 1 || failedBelow.has(b));
}

/** Answers by loops, and by the kernels where there is more to do. */
export function surveyBy(kernels: Kernels): Survey {
  return {
    scaled: ({ data }, e) => timesPower(data, e),
    largestPart: ({ data }) => largestPart(data),
    profiles: (s) => Array.from({ length: s.batch }, (_, b) => profile(s, b)),
    definite: (s, entries, shift, sign) => definite(kernels, s, entries, shift, sign),
  };
}

async function definite(
  kernels: Kernels,
  chunk: Dense,
  entries: readonly number[],
  shift: number,
  sign: 1 | -1,
): Promise<Uint8Array> {
  if (entries.length === 0) return new Uint8Array(0);
  const n = chunk.rows;
  const length = entryLength(chunk);
  const diagonal = new Float64Array(n).fill(shift);
  const shifted = allocate(entries.length * length);
  entries.forEach((b, index) => {
    writeShifted(shifted, index * length, chunk.data, b * length, n, chunk.complex, diagonal, sign);
  });
  const flags = await kernels.positiveDefinite(shifted, entries.length, n, chunk.complex);
  recycle(shifted);
  return flags;
}

function profile(chunk: Dense, b: number): Profile {
  const { rows: n, complex, data } = chunk;
  const width = complex ? 2 : 1;
  let squares = 0;
  let largestRow = 0;
  let floor = Number.POSITIVE_INFINITY;
  let trace = 0;
  let at = b * entryLength(chunk);
  for (let i = 0; i < n; i++) {
    let row = 0;
    const end = at + n * width;
    if (complex) {
      for (; at < end; at += 2) {
        const re = data[at]!;
        const im = data[at + 1]!;
        squares += re * re + im * im;
        row += modulus(re, im);
      }
    } else {
      for (; at < end; at++) {
        const value = data[at]!;
        squares += value * value;
        row += Math.abs(value);
      }
    }
    const centre = data[at - (n - i) * width]!;
    largestRow = Math.max(largestRow, row);
    floor = Math.min(floor, centre - (row - Math.abs(centre)));
    trace += Math.abs(centre);
  }
  return profileOf(n, squares, largestRow, floor, trace);
}

/**
 * A profile from what was summed up of a matrix n × n, in whatever order.
 * @param squares of all components
 * @param largestRow largest sum of the moduli of a row
 * @param floor smallest diagonal entry less the moduli beside it
 * @param trace sum of the moduli of the diagonal
 */
export function profileOf(
  n: number,
  squares: number,
  largestRow: number,
  floor: number,
  trace: number,
): Profile {
  const rounding = 1 + (2 * n * n + 8) * unitRoundoff;
  // A sum of squares may underflow; what is lost then is below n · 2^-500.
  const frobenius = squares > 2 ** -900 ? Math.sqrt(squares) : Number.POSITIVE_INFINITY;
  return {
    ceiling: Math.min(largestRow, frobenius) * rounding,
    floor: floor - largestRow * (rounding - 1),
    trace,
  };
}

/**
 * How far below zero an eigenvalue of A = shift·I ∓ S may lie though Cholesky ran through: γ_k tr A with k = n + 1 (Rump
 * 2006), 3n + 8 in complex arithmetic, whatever the order of summation; formation of A and underflow included.
 */
function choleskyError(n: number, complex: boolean, { shift, trace }: Bound): number {
  return (complex ? 3 * n + 8 : n + 8) * unitRoundoff * (n * shift + trace) * 1.01;
}

/** Largest |component|; NaN if there is one. */
function largestPart(data: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!);
    // Negated, so that NaN is kept; nothing replaces it afterwards.
    if (!(size <= largest)) largest = size;
    if (Number.isNaN(largest)) return largest;
  }
  return largest;
}

/** x · 2^e, upwards where the result is subnormal. */
function roundedUp(x: number, e: number): number {
  const [first, second, third] = powerFactors(e);
  const value = x * first * second * third;
  return x > 0 && value < 2 ** -1021 ? value + Number.MIN_VALUE : value;
}

function clearDiagonal(chunk: Dense): void {
  const n = chunk.rows;
  const width = chunk.complex ? 2 : 1;
  for (let b = 0; b < chunk.batch; b++) {
    for (let i = 0; i < n; i++) chunk.data[((b * n + i) * n + i) * width] = 0;
  }
}
