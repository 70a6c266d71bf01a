/** Lists that are attributes in old operator sets and inputs in new ones. */
import type { Attributes, Bench } from './bench.ts';

export function listInput(
  bench: Bench,
  op: string,
  inputs: readonly string[],
  name: string,
  values: readonly number[],
  inputSince: number,
  attributes: Attributes = {},
): string | undefined {
  if (bench.opset < inputSince) return bench.add(op, inputs, { ...attributes, [name]: { is: values } });
  return bench.add(op, [...inputs, bench.integers(values)], attributes);
}
