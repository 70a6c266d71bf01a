/** What constants and lists are written with, in one of several words. */
import type { Attribute, Tensor, Type } from '../model/description.ts';
import type { Random } from '../random.ts';
import type { Scales } from './scales.ts';

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Bench {
  readonly random: Random;
  readonly opset: number;
  readonly scales: Scales;
  /** The first output of a new node; undefined where it would have no meaning. */
  add(op: string, inputs: readonly string[], attributes?: Attributes): string | undefined;
  initializer(tensor: Tensor): string;
  integers(values: readonly number[], type?: Type): string;
}
