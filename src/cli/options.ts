/** Values of options: each parser either returns what the option means or says what it should have been. */
import { InvalidArgumentError } from 'commander';
import type { FixedFile } from './loading.ts';
import { numbersIn, plainNumber } from './numbers.ts';
import type { Shard } from './sweep/sweepCommand.ts';

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

/** `2/8`: the second of eight parts. */
export function shard(text: string): Shard {
  const [index, count] = /^[0-9]+\/[0-9]+$/.test(text) ? text.split('/').map(positiveInteger) : [];
  if (index === undefined || count === undefined || index > count) {
    throw new InvalidArgumentError('Allowed: which part of how many, such as 2/8.');
  }
  return { index, count };
}

/** `name=file`, as often as it is given. */
export function fixes(text: string, before: readonly FixedFile[] | undefined): FixedFile[] {
  const cut = text.indexOf('=');
  const fixed = { name: text.slice(0, cut), file: text.slice(cut + 1) };
  if (cut < 1 || fixed.file === '') {
    throw new InvalidArgumentError('Allowed: the name of an input and a file, such as h0=zeros.npy.');
  }
  if (before?.some(({ name }) => name === fixed.name)) {
    throw new InvalidArgumentError(`Allowed: each input once, got ${fixed.name} twice.`);
  }
  return [...(before ?? []), fixed];
}

/** The number 1. */
export function one(text: string): 1 {
  if (text !== '1') throw new InvalidArgumentError('Allowed: 1, one sample at a time.');
  return 1;
}

/** A whole number, 0 included. */
export function count(text: string): number {
  return text === '0' ? 0 : positiveInteger(text);
}

/** A number that is not negative. */
export function nonnegative(text: string): number {
  const value = /^[0-9]*\.?[0-9]+(e[+-]?[0-9]+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('Allowed: a number of at least 0.');
  return value;
}

/** A percentage as a fraction. */
export function percent(text: string): number {
  return nonnegative(text) / 100;
}

/** `global`, `margins`, or the numbers of two outputs: `3,5`. */
export function target(text: string): 'global' | 'margins' | [number, number] {
  if (text === 'global' || text === 'margins') return text;
  const pair = /^([0-9]+),([0-9]+)$/.exec(text);
  if (!pair) throw new InvalidArgumentError('Allowed: global, margins, or two outputs such as 3,5.');
  return [Number(pair[1]), Number(pair[2])];
}

function numbers(text: string, allowed: string): number[] {
  const values = numbersIn(text);
  if (!values) throw new InvalidArgumentError(`Allowed: ${allowed}.`);
  return values;
}

/** Radii above 0, joined by commas or one after the other. */
export function radii(text: string, before: readonly number[] = []): number[] {
  const allowed = 'numbers above 0 joined by commas, such as 0.5,1 or 8/255';
  const values = numbers(text, allowed);
  if (!values.every((radius) => radius > 0)) throw new InvalidArgumentError(`Allowed: ${allowed}.`);
  return [...before, ...values];
}

/** One number for all channels, or one for each, joined by commas or one after the other. */
export function channels(text: string, before: readonly number[] = []): number[] {
  const allowed = 'one number, or one for each channel joined by commas, such as 0.485,0.456,0.406';
  return [...before, ...numbers(text, allowed)];
}

/** `0,1`: from, to. */
export function range(text: string): [low: number, high: number] {
  const allowed = 'two numbers, the smaller one first, such as 0,1';
  const [low, high, ...rest] = numbers(text, allowed);
  if (rest.length > 0 || !(low! < high!)) throw new InvalidArgumentError(`Allowed: ${allowed}.`);
  return [low!, high!];
}

/** A number above 0. */
export function positive(text: string): number {
  const value = plainNumber(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('Allowed: a number above 0.');
  return value;
}
