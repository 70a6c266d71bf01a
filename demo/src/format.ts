/** Numbers and shapes as the page writes them; bounds are rounded up, as on the command line. */
import { formatBound } from '../../src/cli/output/format.ts';

export {
  formatBound,
  formatCount,
  formatDuration,
  formatLog10,
  formatQuantity,
} from '../../src/cli/output/format.ts';

export function formatShape(shape: readonly number[]): string {
  return shape.join('×');
}

/** A whole number with thin spaces between groups of three digits. */
export function formatInteger(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** How many times the bound another number is, for two decimal logarithms: `1.43×`. */
export function formatFactor(log10: number): string {
  const factor = 10 ** log10;
  if (!(factor < 1e6)) return `${formatBound(null, log10)}×`;
  return `${factor < 10 ? factor.toFixed(2) : factor.toPrecision(3)}×`;
}

/** A positive bound with few significant digits, not below `value`. */
export function formatUp(value: number, digits: number): string {
  const text = value.toPrecision(digits);
  if (!(Number(text) < value)) return text;
  const unit = 10 ** (Math.floor(Math.log10(value)) - digits + 1);
  return (Number(text) + unit).toPrecision(digits);
}

/** A sampled lower bound with six significant digits, not above it. Where it is no float64 its decimal logarithm is written. */
export function formatLower(value: number | null, log10: number | null): string {
  if (value === null) return log10 === null ? '–' : `10^${(Math.floor(1e4 * log10) / 1e4).toFixed(4)}`;
  const text = value.toPrecision(6);
  if (!(Number(text) > value)) return text;
  const unit = 10 ** (Math.floor(Math.log10(value)) - 5);
  return (Number(text) - unit).toPrecision(6);
}
