/** The number formats of ONNX that are read, and what arithmetic in them gives. */

/** As ONNX names them. */
export type ElementType =
  | 'float16'
  | 'bfloat16'
  | 'float'
  | 'double'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool';

/** The number format of values by name; those of unread operators and formats are missing. */
export type ElementTypes = ReadonlyMap<string, ElementType>;

type FloatType = 'float16' | 'bfloat16' | 'float' | 'double';

/** Bits of an integer type; negative for those with a sign. */
const INTEGER_BITS: ReadonlyMap<ElementType, number> = new Map([
  ['int8', -8],
  ['int16', -16],
  ['int32', -32],
  ['int64', -64],
  ['uint8', 8],
  ['uint16', 16],
  ['uint32', 32],
  ['uint64', 64],
]);

export function isFloat(type: ElementType): type is FloatType {
  return type !== 'bool' && !INTEGER_BITS.has(type);
}

export function isInteger(type: ElementType): boolean {
  return INTEGER_BITS.has(type);
}

/** The least and the greatest number of an integer type, and of bool. */
export function integerRange(type: ElementType): { readonly least: bigint; readonly greatest: bigint } {
  const bits = INTEGER_BITS.get(type);
  if (bits === undefined) return { least: 0n, greatest: 1n };
  if (bits > 0) return { least: 0n, greatest: 2n ** BigInt(bits) - 1n };
  const half = 2n ** BigInt(-bits - 1);
  return { least: -half, greatest: half - 1n };
}

/** An integer with its higher bits discarded: two's complement. */
export function wrapped(type: ElementType, value: bigint): bigint {
  const bits = INTEGER_BITS.get(type) ?? 1;
  return bits < 0 ? BigInt.asIntN(-bits, value) : BigInt.asUintN(bits, value);
}

/** Significant bits of a float format (the hidden one included). */
export function significantBits(type: FloatType): number {
  return { float16: 11, bfloat16: 8, float: 24, double: 53 }[type];
}

/** Rounds float64 to a float type: to the nearest, ties to even, infinite beyond its range. */
export function roundingTo(type: FloatType): (value: number) => number {
  switch (type) {
    case 'float16':
      return (value) => rounded(value, 11, -14, 65504);
    case 'bfloat16':
      return (value) => rounded(value, 8, -126, (2 - 2 ** -7) * 2 ** 127);
    case 'float':
      return Math.fround;
    case 'double':
      return (value) => value;
    default:
      return type satisfies never;
  }
}

/** To the nearest number of `precision` bits (ties to even), subnormal below 2^lowest, infinite above `largest`. */
function rounded(value: number, precision: number, lowest: number, largest: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const magnitude = Math.abs(value);
  let exponent = Math.floor(Math.log2(magnitude));
  if (2 ** exponent > magnitude) exponent--;
  if (2 ** (exponent + 1) <= magnitude) exponent++;
  const unit = 2 ** (Math.max(exponent, lowest) - precision + 1);
  const units = magnitude / unit;
  const below = Math.floor(units);
  const up = units - below > 0.5 || (units - below === 0.5 && below % 2 !== 0);
  const result = (up ? below + 1 : below) * unit;
  return Math.sign(value) * (result > largest ? Number.POSITIVE_INFINITY : result);
}
