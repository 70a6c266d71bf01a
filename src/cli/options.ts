/** Values of options: each parser either returns what the option means or says what it should have been. */
import { InvalidArgumentError } from 'commander';

/** A whole number of at least 1. */
export function positiveInteger(text: string): number {
  if (!/^[0-9]+$/.test(text) || !(Number(text) >= 1) || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError('Allowed: a whole number of at least 1.');
  }
  return Number(text);
}

/** Megabytes (10⁶ bytes) as bytes. */
export function megabytes(text: string): number {
  const value = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('Allowed: a number of megabytes above 0.');
  }
  return value * 1e6;
}

/** `1x28x28`: sides without the batch axis. */
export function shape(text: string): number[] {
  if (!/^[0-9]+(x[0-9]+)*$/.test(text)) {
    throw new InvalidArgumentError('Allowed: sides joined by x without the batch axis, such as 1x28x28.');
  }
  return text.split('x').map(positiveInteger);
}
