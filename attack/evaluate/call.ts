/** One node with its values, as the operators see it. */
import type { Attribute, NodeDescription } from '../model/description.ts';
import type { CircuitBuilder } from './circuit.ts';
import { demand, type Value } from './values.ts';

export class Call {
  readonly node: NodeDescription;
  readonly opset: number;
  readonly builder: CircuitBuilder;
  readonly values: readonly (Value | undefined)[];

  constructor(
    node: NodeDescription,
    opset: number,
    builder: CircuitBuilder,
    values: readonly (Value | undefined)[],
  ) {
    this.node = node;
    this.opset = opset;
    this.builder = builder;
    this.values = values;
  }

  value(k: number): Value {
    const value = this.values[k];
    demand(value !== undefined, `${this.node.op}: input ${k} is missing`);
    return value;
  }

  /** Numbers of an input that must not depend on the data. */
  constant(k: number): Value {
    const value = this.value(k);
    demand(value.type !== 'cell', `${this.node.op}: input ${k} depends on the data`);
    return value;
  }

  scalar(k: number): number | undefined {
    return this.values[k] ? this.constant(k).items[0] : undefined;
  }

  /** An input as cells. */
  cells(k: number): Value {
    return asCells(this.builder, this.value(k));
  }

  attribute(name: string): Attribute | undefined {
    return this.node.attributes[name];
  }

  integer(name: string, absent: number): number {
    const value = this.attribute(name);
    return value && 'i' in value ? value.i : absent;
  }

  integers(name: string): readonly number[] | undefined {
    const value = this.attribute(name);
    return value && 'is' in value ? value.is : undefined;
  }

  /** As the file holds it, in float32. */
  float(name: string, absent: number): number {
    const value = this.attribute(name);
    return Math.fround(value && 'f' in value ? value.f : absent);
  }

  text(name: string, absent: string): string {
    const value = this.attribute(name);
    return value && 's' in value ? value.s : absent;
  }

  /** A list that is an attribute in old operator sets and an input in new ones. */
  list(name: string, input: number): readonly number[] | undefined {
    return this.integers(name) ?? (this.values[input] ? this.constant(input).items : undefined);
  }
}

export function asCells(builder: CircuitBuilder, value: Value): Value {
  if (value.type === 'cell') return value;
  return { type: 'cell', shape: value.shape, items: value.items.map((x) => builder.constant(x)) };
}
