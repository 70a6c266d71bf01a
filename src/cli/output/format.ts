/**
 * Numbers as text. Whatever bounds something from above is rounded up in the last digit shown, from below down; never to
 * nearest.
 */

/** `up` for what bounds from above. */
type Direction = 'up' | 'down';

/** Significant digits of a bound in tables. */
const BOUND_DIGITS = 6;
/** Decimals of a logarithm in tables. */
const LOG_DECIMALS = 4;
/** Where there is no number. */
const UNKNOWN = '–';

/**
 * A bound with six significant digits, not below `bound` (`down`: not above). Where the bound is outside float64 (`bound` null) it is
 * written from its decimal logarithm; a dash where there is neither.
 */
export function formatBound(bound: number | null, log10: number | null, rounding: Direction = 'up'): string {
  if (bound === 0) return '0';
  if (bound !== null && Number.isFinite(bound) && bound > 0) {
    const [mantissa, exponent] = bound.toExponential(EXACT_DIGITS).split('e') as [string, string];
    return scientific(mantissa, Number(exponent), rounding);
  }
  if (log10 !== null && Number.isFinite(log10)) {
    const exponent = Math.floor(log10);
    // log10 is a float64 itself: half a unit in its last place, and as much again for the power, in the mantissa.
    const slack = 4 * Number.EPSILON * (1 + Math.abs(log10) * Math.LN10);
    const mantissa = 10 ** (log10 - exponent) * (rounding === 'up' ? 1 + slack : 1 - slack);
    // Just under a power of ten it has one digit less.
    const [shown, power] = mantissa < 1 ? [10 * mantissa, exponent - 1] : [mantissa, exponent];
    return scientific(shown.toFixed(EXACT_DIGITS), power, rounding);
  }
  return UNKNOWN;
}

/** A decimal logarithm of a bound, rounded towards +∞ (`down`: −∞). */
export function formatLog10(log10: number | null, rounding: Direction = 'up'): string {
  if (log10 === null || !Number.isFinite(log10)) return UNKNOWN;
  const outward = log10 > 0 === (rounding === 'up');
  const rounded = roundMagnitude(Math.abs(log10).toFixed(EXACT_DIGITS), LOG_DECIMALS, outward);
  return log10 < 0 && Number(rounded) !== 0 ? `-${rounded}` : rounded;
}

/** Seconds for a table: `0.012`, `75.3`. */
export function formatSeconds(seconds: number): string {
  return seconds.toFixed(seconds < 10 ? 3 : 1);
}

/** A duration in words: `0.012 s`, `3.4 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 1) return `${seconds.toFixed(3)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours} h ${two(minutes)} min` : `${minutes} min ${two(whole % 60)} s`;
}

/** A count with a decimal unit: `512 B`, `1.3 GB`, `75 Mflop`. */
export function formatQuantity(value: number, unit: string): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  let scaled = value;
  let k = 0;
  while (scaled >= 999.5 && k < prefixes.length - 1) {
    scaled /= 1000;
    k++;
  }
  const digits = k === 0 || scaled >= 9.95 ? 0 : 1;
  return `${scaled.toFixed(digits)} ${prefixes[k]}${unit}`;
}

/** Bytes as whole megabytes, rounded down: what --memory takes. */
export function formatMegabytes(bytes: number): string {
  return String(Math.floor(bytes / 1e6));
}

/** `1 layer`, `3 layers`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Digits after the point that are looked at when rounding up: `toFixed` and `toExponential` write exact digits
 *  of the float64, and one that has any beyond these 100 yet only zeros between would be no bound anybody meets. */
const EXACT_DIGITS = 100;

/** mantissa · 10^exponent rounded to BOUND_DIGITS significant digits; mantissa is in [1, 10] as decimal text. */
function scientific(mantissa: string, exponent: number, rounding: Direction): string {
  let rounded = roundMagnitude(mantissa, BOUND_DIGITS - 1, rounding === 'up');
  let power = exponent;
  if (rounded.startsWith('10')) {
    rounded = `1.${'0'.repeat(BOUND_DIGITS - 1)}`;
    power++;
  }
  if (power < -4 || power >= BOUND_DIGITS) return `${rounded}e${power < 0 ? '-' : '+'}${Math.abs(power)}`;
  // Moving the point is exact on text, where multiplying the number would round again.
  const digits = rounded.replace('.', '');
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`;
  const [whole, fraction] = [digits.slice(0, power + 1), digits.slice(power + 1)];
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** Cuts nonnegative decimal text after `decimals` digits; `up` adds one unit there if anything was cut off. */
function roundMagnitude(text: string, decimals: number, up: boolean): string {
  const [whole, fraction] = text.split('.') as [string, string];
  const cutOff = /[1-9]/.test(fraction.slice(decimals));
  const units = BigInt(whole + fraction.slice(0, decimals)) + (up && cutOff ? 1n : 0n);
  const digits = units.toString().padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
