/** Elementwise functions to go through: those of the table, with the parameters that their records give. */
import type { Definition } from '../../src/network/elementwise/definition.ts';
import { ELEMENTWISE, type Elementwise } from '../../src/network/elementwise/table.ts';

const RECORDS: readonly Definition<Elementwise>[] = Object.values(ELEMENTWISE);

/** Each function of the table with each of the parameters that show its cases. */
export const EXAMPLES: readonly Elementwise[] = RECORDS.flatMap(({ examples }) => examples);

/** For `describe.each` and `it.each`. */
export const NAMED_EXAMPLES = EXAMPLES.map((f) => [nameOf(f), f] as const);

function nameOf(f: Elementwise): string {
  const text = JSON.stringify(f, (_, value: unknown) => {
    if (value instanceof Float64Array) return [...value];
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  });
  return text.replaceAll('"', '');
}
