/**
 * ONNX models as the attack writes them down: plain data that survives JSON, from which the bytes of the file are made
 * (`encode.ts`) and which is evaluated by itself (`../evaluate`). Shares nothing with what reads or writes ONNX in src/.
 */

/** Numbers of `TensorProto.DataType`. */
export const TYPES = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
} as const;
export type Type = keyof typeof TYPES;

export interface Tensor {
  readonly type: Type;
  readonly dims: readonly number[];
  /** Row-major, each a number of the type. */
  readonly values: readonly number[];
}

export type Attribute =
  | { readonly i: number }
  | { readonly is: readonly number[] }
  | { readonly f: number }
  | { readonly fs: readonly number[] }
  | { readonly s: string }
  | { readonly t: Tensor };

export interface NodeDescription {
  readonly op: string;
  /** Empty names stand for absent inputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
}

export interface FunctionDescription {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeDescription[];
}

export interface ModelDescription {
  readonly opset: number;
  readonly input: {
    readonly name: string;
    readonly type: 'float' | 'double';
    /** The first is the batch; a text is an open side. */
    readonly dims: readonly (number | string)[];
  };
  readonly output: string;
  readonly initializers: Readonly<Record<string, Tensor>>;
  readonly nodes: readonly NodeDescription[];
  readonly functions: readonly FunctionDescription[];
}

/** Sides of one sample as the file has them. */
export function sampleOf({ input }: ModelDescription): number[] {
  return input.dims.slice(1) as number[];
}
